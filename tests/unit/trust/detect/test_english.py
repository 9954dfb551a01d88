"""Names, addresses and papers of the English-speaking world, and what only looks like them."""

from __future__ import annotations

import pytest
from tests.timing import cpu_seconds

from naru.trust.detect import Scanner

SCANNER = Scanner()


def found(text: str, kind: str) -> list[str]:
    """What was found of a type, in order."""
    return [text[e.start : e.end] for e in SCANNER.scan(text) if e.type == kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Complainant: Parveen Achterhuis (Payroll)", ["Parveen Achterhuis"]),
        ("Guests: Tomoko, Bjarne and Ms. Okwuosa", ["Tomoko", "Bjarne", "Okwuosa"]),
        ("The curator, Renzo Quattrocchi, declined.", ["Renzo Quattrocchi"]),
        ("Please ask R. K. Vandermolen or Jean-Luc d'Aubigny.", ["R. K. Vandermolen"]),
        ("Imogen Vasterling called. Later Vasterling wrote.", ["Imogen Vasterling", "Vasterling"]),
        ("Ask Zubeida, zubeida.q@mail.example", ["Zubeida"]),
        ("ROSALIND K. PEMBROKE, Plaintiff", ["ROSALIND K. PEMBROKE"]),
        ("Hello, I'm Trần Thị Bích Ngọc.", ["Trần Thị Bích Ngọc"]),
        ("<name>Wolfgang von Tannhof</name>", ["Wolfgang von Tannhof"]),
        ("hey im pooja, is it still there", ["pooja"]),
        ("Is that Yevgenia's number?", ["Yevgenia"]),
        ("Notes: O'Sullivan, Maeve - no show", ["O'Sullivan, Maeve"]),
        ("See you then!\n\nThanks,\nOluwaseun", ["Oluwaseun"]),
        ("Tenant: Siti Aminah binti Abdul Rahman.", ["Siti Aminah binti Abdul Rahman"]),
        ("Ask Omar ibn Khalid or Khalid al-Mansour.", ["Omar ibn Khalid", "Khalid al-Mansour"]),
        ("Call Odette at the office, contact Lisa Wong.", ["Odette", "Lisa Wong"]),
        ("my landlord, Alhaji Mustapha Adeleke", ["Mustapha Adeleke"]),
        ("Victim: Whitlock, Janine Rose  W/F", ["Whitlock, Janine Rose"]),
        ("Claimant: Okafor, Chidinma Grace\nCase 4", ["Okafor, Chidinma Grace"]),
        ('to=m.r@mail.example name="Meenakshi R"', ["Meenakshi R"]),
        ('{"donor":"Ahmet Can Yilmaz"}', ["Ahmet Can Yilmaz"]),
        ("Guten Tag Herr Achtermann,\n\nwir", ["Achtermann"]),
        ("done by J.-M. Fournier at +32 2 555 01 42", ["J.-M. Fournier"]),
        ("You're speaking to Mehrunisa, how can I help?", ["Mehrunisa"]),
        ("Tom & Anna came.", ["Tom", "Anna"]),
        ("Welle: seen it\nSegunda: on my way\nWelle: ok then\nSegunda: bye now", ["Welle", "Segunda"]),
    ],
)
def test_a_name_is_known_by_what_stands_around_it(text: str, expected: list[str]):
    """Labels, roles, lists, verbs, e-mail addresses, signatures, and the same name elsewhere in the text."""
    assert set(expected) <= set(found(text, "PERSON"))


@pytest.mark.parametrize(
    "text",
    [
        "Murphy's sign was negative and the Wells score low.",
        "St. Mary's opens at nine, Hurricane Katrina was in 2005.",
        "Crane & Holt LLP and Marks & Spencer did not answer.",
        "Charles Schwab, Morgan Stanley and Goldman Sachs declined.",
        "We moved from Jenkins and Travis to Ansible.",
        "Which was first?\nA. France\nB. Spain\nC. Ireland",
        "Canadian and Irish farmers grew oats in Southern Africa.",
        "The bus runs from Victoria Park to San Francisco.",
        "The Martin Luther King Jr. Day parade passes the Ada Lovelace lecture hall.",
        "Johnson & Johnson, Carter & Holt, Harley-Davidson and Rolls-Royce gained.",
        "- St Andrews: new map\n- Loch Katrine and John o' Groats: none",
        "Bill to: Halvik Pumps A/S, Hovedgade 3",
        "Dear Parent/Carer,\n\nAGENT: Lovely. Bye.",
        "Vlanid: in the rack\nHostnam: no name yet\nVlanid: up high\nHostnam: none so far\nPlace: lab",
        "Zutaten: Mehl und Salz\nDauer: etwa eine Stunde\nZutaten: Ei und Milch\nDauer: zwei Stunden",
        "Harlow Rovers v Denton Albion Reserves, 15:00",
    ],
)
def test_things_named_after_people_are_nobody(text: str):
    """Firms, signs, storms, saints, programs, countries and choices of a question."""
    assert found(text, "PERSON") == []


@pytest.mark.parametrize(
    ("before", "address", "after"),
    [
        ("", "Flat 3, 18 Wexcombe Lane, London SW9 8RZ", " | phone"),
        ("Send it to Hotel Lindley: ", "Hotel Lindley, 20 Lindley Street, Reno, NV 89501", "."),
        ("Yours,\n\nA. Smith\n", "The Old Forge\nMill Lane\nLlangollen\nLL20 8RT", "\n"),
        ("we moved to ", "RR 4 Box 12, Elkins, WV 26241", ". bye"),
        ("", "Unit 2, 14 Derby Street\nRozelle NSW 2039\nAustralia", ""),
        ("at ", "14 Marine Terrace, Galway, Co. Galway, H91 K7X3", ", phone"),
        ("", "55 King Street West, Suite 300, Toronto, ON M5H 1J9, Canada", ""),
        ("", "Lindenstraße 14, 10969 Berlin", " ist da"),
        ("", "Flat 302, Lakshmi Towers, Ring Road, Pune 411001", ""),
        ("", "Blk 123 Ang Mo Kio Ave 3 #08-1234 Singapore 560123", ", tel"),
        ("to ", "22 Adeola Odeku Street, Victoria Island, Lagos, Nigeria", " by"),
        ("I stay at ", "14 Akin Bello Close, Gbagada, Lagos", ".\n\nThanks"),
        ("premises at ", "9 Tai Seng Road, #11-05, Singapore 534118", " for a term"),
        ("near the park, ", "#48, 7th Main, 12th Cross, Malleswaram, Bengaluru 560003", ""),
        ('{"name": "M", "street": "', "Vinohradská 17, Praha", '", "zip"'),
        ('"address": {"line": "', "31 Rue Félix, Dakar", '", "x"'),
        ("at ", "12 Elm Street", ", Anna Smith, and Tom"),
        ("Residence: ", "Riverside Gardens, House 14, Kilimani Road, Nairobi", "\n"),
    ],
)
def test_an_address_is_read_back_from_its_code(before: str, address: str, after: str):
    """From the flat or the house's name to the country, over lines, and no further."""
    assert found(before + address + after, "ADDRESS")[-1] == address


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("VEHICLE", "plate of the rental is 7731 KBN.", "7731 KBN"),
        ("VEHICLE", "Registration: YF61 OKE", "YF61 OKE"),
        ("VEHICLE", "the van, YF61 OKE, was parked", "YF61 OKE"),
        ("HEALTH_INSURANCE", "Medicare No.: 1EG4-TE5-MK72", "1EG4-TE5-MK72"),
        ("HEALTH_INSURANCE", "NHS number 943 476 5919", "943 476 5919"),
        ("HEALTH_INSURANCE", "OHIP 1234-567-890-AB", "1234-567-890-AB"),
        ("DRIVER_LICENSE", "Ohio license RT778120, expired", "RT778120"),
        ("DRIVER_LICENSE", "licence number (it's 12 448 377, Victoria)", "12 448 377"),
        ("ACCOUNT", "sort code 20-45-79", "20-45-79"),
        ("ACCOUNT", "Routing number: 021000021", "021000021"),
        ("PASSPORT", "passport 75 4418821 was refused", "75 4418821"),
        ("POSTAL_CODE", "postcode for sat nav: SA70 7DR", "SA70 7DR"),
        ("POSTAL_CODE", "City: Chennai. PIN: 600021.", "600021"),
        ("PHONE", "office 01632 960 585", "01632 960 585"),
        ("PHONE", "0412 555 019 after six", "0412 555 019"),
        ("PHONE", "06 55 50 11 85", "06 55 50 11 85"),
        ("PHONE", "the church: 312/555-0142.", "312/555-0142"),
        ("PHONE", "guard, mobile (0049) 171 / 305 66 12", "(0049) 171 / 305 66 12"),
        ("PHONE", "Tel. 030 / 901 82-14", "030 / 901 82-14"),
        ("PHONE", "will ring on 0152 3344 5566 at noon", "0152 3344 5566"),
        ("VEHICLE", "Reg KA 03 HJ 2210, petrol", "KA 03 HJ 2210"),
        ("VEHICLE", "plate na ABJ-731 KT", "ABJ-731 KT"),
        ("VEHICLE", "plate OF LM 417, badge 4", "OF LM 417"),
        ("VEHICLE", "VIN 1HGCM82633A004352", "1HGCM82633A004352"),
        ("DRIVER_LICENSE", "Colette (lic. K530118264)", "K530118264"),
        ("DRIVER_LICENSE", "seller's OL no. PD310977", "PD310977"),
        ("DRIVER_LICENSE", "DL: NY 530 118 264", "530 118 264"),
        ("DRIVER_LICENSE", "5. MORGA753116SM9IJ  35", "MORGA753116SM9IJ"),
        ("PASSPORT", "1. TRAN/VAN DUC MR  PPT B7702915 VNM", "B7702915"),
        ("PASSPORT", "German passport no. C7XN3P5RT", "C7XN3P5RT"),
        ("PERSON", "2. KIM/MINJAE MSTR   CHD", "KIM/MINJAE"),
        ("PERSON", "3. PHAM/THI LAN MRS  ADT", "PHAM/THI LAN"),
        ("US_SSN", "social: 219440873", "219440873"),
        ("POSTAL_CODE", '"zip": "130 00"', "130 00"),
        ("POSTAL_CODE", "and the postcode?\nCALLER: Yes, it's LS7 4PQ.", "LS7 4PQ"),
        ("VEHICLE", "registration DL 3C AB 1234", "DL 3C AB 1234"),
        ("BIRTH_DATE", "bday: 3/28/69", "3/28/69"),
        ("BIRTH_DATE", "VNM  DOB 09MAY77", "09MAY77"),
        ("BIRTH_DATE", "D.O.B. 1/8/47 Age 77", "1/8/47"),
        ("BIRTH_DATE", "dob june 4 1971, why", "june 4 1971"),
        ("BIRTH_DATE", "the birthday on my booking to 3 September 1994", "3 September 1994"),
        (
            "URL",
            "to https://example.com/u?e=ada@mail.example now",
            "https://example.com/u?e=ada@mail.example",
        ),
    ],
)
def test_a_label_says_what_a_number_is(kind: str, text: str, value: str):
    """Numbers of Britain, America, Australia and others, by their labels and shapes."""
    assert found(text, kind) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "The capital plan 2025-2030 and member states 2019-2024",
        "software license 12345678 and license key 88123456",
        "birthday party on 3 May 2024",
        "registration opens 12 March 2025, price tag 1200 EUR",
        "On Route 66, 1839\nBetween 1820 and 1854",
        "call transcript #20260317-0925, ppt 20260211, bday party 3 May 2024",
        "business lic. 20260145, MIT lic 2.0, the VIN number of 17 signs",
        "part 0455/123456, on 01/22/2026, tile 14/8042/5113, ratio 414/933",
        '{"line": "12 errors in one file", "street": "none", "address1": ""}',
        "AND/OR MS and reg no longer needed",
    ],
)
def test_labels_of_other_things_promise_nothing(text: str):
    """Plans, licences of software, parties and sales are nobody's."""
    assert SCANNER.scan(text) == []


def test_a_column_is_what_its_head_says():
    """CSV with quotes, tabs, and rows for a database; other columns are left."""
    csv = 'name,role,car\n"Van Dalen, Saskia",Nurse,SN19 ZTE\nQuoc Bao Tran,Porter,\n'
    assert found(csv, "PERSON")[:1] == ["Van Dalen, Saskia"]
    assert "Quoc Bao Tran" in found(csv, "PERSON")
    assert found(csv, "VEHICLE") == ["SN19 ZTE"]
    rows = (
        "INSERT INTO m (id, name, plate) VALUES\n"
        "(5, 'Siobhan O''Rourke', '9BCD341'),\n(6, 'Zed Al-Khatib', '7TXM018');"
    )
    assert found(rows, "PERSON") == ["Siobhan O''Rourke", "Zed Al-Khatib"]
    assert found(rows, "VEHICLE") == ["9BCD341", "7TXM018"]


@pytest.mark.parametrize(
    "unit",
    [
        "A. B",
        "Mary, ",
        "name,\n",
        "1 A, ",
        "ask a ",
        "Mr. ",
        "plate ",
        "SW1 1AA, ",
        "user a / B1#cde ",
        "a_key = ",
        "\nWelle: hi",
        "0172/44 ",
        "1 A Close, B",
        "LE/BAO M",
    ],
)
def test_time_is_linear(unit: str):
    """Four times the text takes about four times as long, whatever it is made of."""

    def spent(size: int) -> float:
        text = unit * (size // len(unit))
        return cpu_seconds(lambda: SCANNER.scan(text))

    assert spent(40_000) < 8 * spent(10_000) + 0.02
