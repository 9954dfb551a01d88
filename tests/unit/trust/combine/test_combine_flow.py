"""The whole road of one combination: who gets what, what nobody gets, and what is refused."""

import base64
import csv
import io
import json
import random
import re
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from datetime import date

import pytest
from typer.testing import CliRunner

from naru.audit import ACTIONS
from naru.cli import app
from naru.engines.sql.sqlite import FILE_NAME
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import BadRequest, Conflict, NaruError, NotFound, Unavailable
from naru.trust.combine.check import check
from naru.trust.combine.destroy import destroy, verify_evidence
from naru.trust.combine.example import write_example
from naru.trust.combine.export import export, verify
from naru.trust.combine.join import extract, join, link
from naru.trust.combine.keys import create_key, read_key
from naru.trust.combine.prepare import prepare, select
from naru.trust.combine.status import read_status
from naru.trust.combine.treatment import treat
from naru.trust.combine.workspace import open_workspace
from naru.trust.entity import Entity

CITIES = ["서울특별시 강남구", "서울 마포구", "경기도 성남시 분당구", "부산광역시 해운대구"]
END = "2026-07-01"


class Told:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.events = []

    def record(self, event):
        self.events.append(event)


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture
def people():
    """240 people; both parties know the last 160 of the first 200."""
    rng = random.Random(5)
    return [
        {
            "name": rng.choice("김이박최정") + rng.choice("가나다라마") + rng.choice("훈희수진영"),
            "year": rng.randint(1950, 2004),
            "month": rng.randint(1, 12),
            "day": rng.randint(1, 28),
            "sex": rng.choice("MF"),
            "phone": f"010{22000000 + 7919 * number:08}",
            "city": rng.choice(CITIES),
        }
        for number in range(240)
    ]


@pytest.fixture
def folder(tmp_path, people):
    """An empty folder but for the plan and both parties' tables, written as differently as parties do."""
    rng = random.Random(6)
    (tmp_path / "study.toml").write_text(write_example("study", END))
    write_csv(
        tmp_path / "card.csv",
        ["성명", "생년월일", "성별", "휴대전화", "주소", "spend"],
        [
            [
                f"{p['name'][0]} {p['name'][1:]}",
                f"{p['year']}-{p['month']:02}-{p['day']:02}",
                {"M": "남", "F": "여"}[p["sex"]],
                f"{p['phone'][:3]}-{p['phone'][3:7]}-{p['phone'][7:]}",
                f"{p['city']} 테헤란로 {number + 1}",
                10_000 * rng.randint(1, 12),
            ]
            for number, p in enumerate(people[:200])
        ],
    )
    write_csv(
        tmp_path / "health.csv",
        ["name", "birth", "sex", "mobile", "disease"],
        [
            [
                p["name"],
                f"{p['year']}{p['month']:02}{p['day']:02}",
                p["sex"],
                f"+82 {p['phone'][1:3]} {p['phone'][3:7]} {p['phone'][7:]}",
                rng.choice(["고혈압", "당뇨", "없음"]),
            ]
            for p in people[40:]
        ],
    )
    return tmp_path


@pytest.fixture
def work(folder):
    return open_workspace(folder / "study.toml", sink=Told(), clock=FrozenClock())


def prepared(work, folder):
    work.begin()
    create_key(work.secret, "study")
    prepare(work, "A", folder / "card.csv")
    prepare(work, "B", folder / "health.csv")
    return work


def treated(work, folder):
    prepared(work, folder)
    link(work)
    join(work)
    check(work, "joined", second_opinion=False)
    treat(work)
    check(work, "treated", second_opinion=False)
    return work


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def everything_in(folder):
    """Every file of a folder, those inside packs too, as (name, bytes)."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as pack:
                    for name in pack.namelist():
                        yield f"{path.name}/{name}", pack.read(name)


def identifiers(people):
    """What must be nowhere: names as they are written, phones in every form, days of birth, streets."""
    for p in people:
        phone = p["phone"]
        yield from (phone, phone[1:], f"{phone[3:7]}-{phone[7:]}", f"{phone[3:7]} {phone[7:]}", phone[3:])
        yield f"{p['year']}-{p['month']:02}-{p['day']:02}"
        yield f"{p['name'][0]} {p['name'][1:]}"
        yield p["name"]
    yield "테헤란로"


def test_no_output_holds_an_identifier(work, folder, people, capfd):
    """No name, phone, day of birth or street in any file, event or word printed, from `init` to the pack."""
    treated(work, folder)
    join(work, sample=0.5)
    extract(work)
    select(work, "A")
    export(work)
    seen = dict(everything_in(work.folder))
    assert "study.zip/data.csv" in seen
    printed = capfd.readouterr()
    seen |= {
        "stdout": printed.out.encode(),
        "stderr": printed.err.encode(),
        "told": repr(work.sink.events).encode(),
    }
    for value in identifiers(people):
        for name, content in seen.items():
            assert value.encode() not in content, f"{name} holds an identifier"


def test_no_file_holds_both_keys_and_attributes(work, folder):
    """Keys are with the key manager alone, the secret in its own file, serials never beside both sides."""
    treated(work, folder)
    extract(work)
    export(work)
    keys = {row[0] for party in "AB" for row in read_csv(work.keys(party))[1]}
    serials = {row[1] for party in "AB" for row in read_csv(work.keys(party))[1]}
    assert len(keys) == 240
    assert len(serials) == 400
    secret = work.secret.read_text().split()[2]
    with_serials = set()
    for name, content in everything_in(work.folder):
        text = content.decode("utf-8", "replace")
        found = set(re.findall(r"[0-9a-f]{64}", text))
        assert not found & keys or name.startswith("key-manager/"), f"{name} holds keys"
        if set(re.findall(r"\b[0-9a-f]{32}\b", text)) & serials:
            with_serials.add(name)
        assert name == "secret/project.key" or (
            secret not in text and base64.b64decode(secret) not in content
        )
    assert with_serials == {
        "key-manager/A.keys.csv", "key-manager/B.keys.csv", "body/A.attributes.csv", "body/B.attributes.csv",
        "body/links.csv", "party/A.extract.csv", "party/B.extract.csv",
    }  # fmt: skip
    assert read_csv(work.keys("A"))[0] == ["key", "serial"]
    assert read_csv(work.attributes("A"))[0] == ["serial", "birth_year", "sex", "sigungu", "spend"]
    assert read_csv(work.links)[0] == ["serial_A", "serial_B"]
    assert read_csv(work.table("joined"))[0] == work.plan.joined_columns


def test_four_places_need_only_the_files_that_are_for_them(folder):
    """Party, party, key manager and body in folders of their own: what is handed over is all they need."""

    def place(name):
        work = open_workspace(folder / "study.toml", folder / name, clock=FrozenClock())
        work.begin()
        return work

    def hand_over(path, to):
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)

    party_a, party_b, manager, body = map(place, ("card", "health", "manager", "body"))
    create_key(body.secret, "study")
    for party, work, table in (("A", party_a, "card.csv"), ("B", party_b, "health.csv")):
        hand_over(body.secret, work.secret)
        prepare(work, party, folder / table)
        hand_over(work.keys(party), manager.keys(party))
    link(manager)
    assert read_status(manager)["next"] == {"who": "body", "command": "join"}
    extract(manager)
    for party, work in (("A", party_a), ("B", party_b)):
        hand_over(manager.extract(party), work.extract(party))
        select(work, party)
        hand_over(work.attributes(party), body.attributes(party))
        hand_over(work.counts(party), body.counts(party))
    hand_over(manager.links, body.links)
    hand_over(manager.link_counts, body.link_counts)
    assert join(body)["rows"] == 160
    for name in ("joined", "treated"):
        if name == "treated":
            treat(body)
        check(body, name, second_opinion=False)
    export(body)
    assert not manager.secret.exists()
    assert not body.keys("A").exists()
    with pytest.raises(Conflict, match="--pack"):
        destroy(manager, "links")
    for work, gone in ((manager, 5), (party_a, 4), (body, 4)):
        assert destroy(work, "links", pack=body.pack)["files"] == gone


def test_everyone_both_know_is_joined_and_nobody_else(work, folder, people):
    """160 people, however each party wrote them, each with the values of both sides."""
    prepared(work, folder)
    facts = link(work)
    assert facts["matched_keys"] == facts["joined_rows"] == 160
    assert facts["parties"]["A"]["join_rate"] == 0.8
    assert facts["rate_of_all"] == round(160 / 240, 6)
    join(work)
    spend = [row[-1] for row in read_csv(folder / "card.csv")[1]][40:]
    disease = [row[-1] for row in read_csv(folder / "health.csv")[1]][:160]
    wanted = sorted(
        (str(p["year"]), p["sex"], money, illness)
        for p, money, illness in zip(people[40:200], spend, disease, strict=True)
    )
    _, rows = read_csv(work.table("joined"))
    assert sorted((row[0], row[1], row[3], row[4]) for row in rows) == wanted


def test_where_a_row_stands_says_nothing(work, folder):
    """The party's table, the body's files and the joined table stand in three different orders."""
    prepared(work, folder)
    link(work)
    join(work)
    given = [row[-1] for row in read_csv(folder / "card.csv")[1]]
    sent = [row[-1] for row in read_csv(work.attributes("A"))[1]]
    joined = [row[3] for row in read_csv(work.table("joined"))[1]]
    assert sorted(given) == sorted(sent)
    assert given != sent
    linked = {row[0] for row in read_csv(work.links)[1]}
    assert [row[-1] for row in read_csv(work.attributes("A"))[1] if row[0] in linked] != joined
    serials = [row[0] for row in read_csv(work.attributes("A"))[1]]
    assert serials == sorted(serials)  # by a random number, which is the order of the key manager's file too


def test_a_step_done_again_changes_nothing(work, folder):
    """Same inputs, same files to the byte; and a step that was cut off leaves nothing half."""
    treated(work, folder)
    export(work)
    before = dict(everything_in(work.folder))
    for again in (
        lambda: prepare(work, "A", folder / "card.csv"),
        lambda: link(work),
        lambda: join(work),
        lambda: treat(work),
        lambda: export(work),
    ):
        assert again()["unchanged"] is True
    assert dict(everything_in(work.folder)) == before


def test_a_changed_file_is_made_again(work, folder):
    """A table that was damaged on disk is not taken for what the step had written."""
    treated(work, folder)
    work.table("joined").write_text("x\n")
    assert "unchanged" not in join(work)
    assert work.table("joined").stat().st_size > 100


def test_a_failed_audit_log_stops_the_hand_over(work, folder):
    """What cannot be told of does not happen: no file, not even a part of one."""

    class Full:
        def record(self, event):
            if event.action == "combine.hand_over":
                raise Unavailable("full")

    work.begin()
    create_key(work.secret, "study")
    work.sink = Full()
    with pytest.raises(Unavailable):
        prepare(work, "A", folder / "card.csv")
    assert not list((work.folder / "key-manager").iterdir())


def test_every_hand_over_is_told_of(work, folder):
    """Who gets which file, how many rows; never a value."""
    treated(work, folder)
    extract(work)
    select(work, "A")
    export(work)
    destroy(work, "links")
    told = [(event.action, event.facts.get("to")) for event in work.sink.events]
    assert told == [
        ("combine.hand_over", "key manager"), ("combine.hand_over", "body"),
        ("combine.hand_over", "key manager"), ("combine.hand_over", "body"),
        ("combine.hand_over", "body"),
        ("combine.join", None), ("combine.treat", None),
        ("combine.hand_over", "A"), ("combine.hand_over", "B"), ("combine.hand_over", "body"),
        ("combine.export", None), ("combine.destroy", None),
    ]  # fmt: skip
    assert {action for action, _ in told} | {"combine.key"} == {name for name in ACTIONS if "combine" in name}


def test_only_rows_that_join_need_leave(work, folder):
    """After `select` the body's file has no other row, and the join is the same. Again, nothing changes."""
    prepared(work, folder)
    link(work)
    extract(work)
    assert select(work, "A") == {"rows": 160, "left_out": 40}
    assert select(work, "A") == {"rows": 160, "left_out": 0}
    assert prepare(work, "A", folder / "card.csv")["unchanged"] is True
    assert join(work)["rows"] == 160


def test_selecting_rows_does_not_change_what_is_measured(work, folder):
    """Uniqueness before the join and presence are of all rows of a party, also of those kept at home."""
    prepared(work, folder)
    link(work)
    join(work)
    whole = check(work, "joined", second_opinion=False)
    extract(work)
    select(work, "A")
    select(work, "B")
    selected = check(work, "joined", second_opinion=False)
    for name in ("uniqueness", "presence"):
        assert selected[name] == whole[name]
    assert 0 < whole["presence"]["A"]["certain"] < 1
    work.counts("A").unlink()  # not handed over: then it is not known, and not guessed
    assert "A before" not in check(work, "joined", second_opinion=False)["uniqueness"]


def test_other_projects_make_other_keys(tmp_path):
    """The same person under two secrets, or two projects, shares nothing."""
    one, two = create_key(tmp_path / "1", "one"), create_key(tmp_path / "2", "two")
    assert one.combine(["홍길동"]) != two.combine(["홍길동"])
    assert one.combine(["ab", "c"]) != one.combine(["a", "bc"])
    assert one.combine(["홍길동"]) == read_key(tmp_path / "1", "one").combine(["홍길동"])
    assert one.fingerprint == read_key(tmp_path / "1", "one").fingerprint != two.fingerprint


def test_the_secret_is_for_its_owner_alone(tmp_path):
    """Mode 0600, made once, refused when others may read it or when it is another project's; never shown."""
    path = tmp_path / "secret" / "project.key"
    key = create_key(path, "one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().split()[2]
    assert secret not in repr(key)
    with pytest.raises(Conflict):
        create_key(path, "one")
    with pytest.raises(BadRequest, match="the secret of the project one"):
        read_key(path, "two")
    path.chmod(0o640)
    with pytest.raises(BadRequest, match="chmod 600") as error:
        read_key(path, "one")
    assert secret not in str(error.value)


def test_everything_in_the_folder_is_private(work, folder):
    """0600 and 0700: the folder holds other people's data."""
    treated(work, folder)
    export(work)
    for path in [work.folder, *work.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_repeated_keys_are_left_out_or_joined_row_by_row(work, folder):
    """`drop` leaves out whoever occurs twice; `all` joins 1:n."""
    text = (folder / "health.csv").read_text()
    last = text.splitlines()[1]  # somebody both know, a second time
    (folder / "health.csv").write_text(text + last + "\n")
    prepared(work, folder)
    facts = link(work)
    assert facts["parties"]["B"]["rows_of_repeated_keys"] == 2
    assert (facts["matched_keys"], facts["matched_repeated"], facts["joined_rows"]) == (160, 1, 159)
    (folder / "study.toml").write_text((folder / "study.toml").read_text().replace('"drop"  ', '"all"  '))
    again = open_workspace(folder / "study.toml", clock=FrozenClock())
    assert link(again)["joined_rows"] == 161
    assert join(again)["rows"] == 161


def test_a_placeholder_for_many_people_is_no_key(work, folder):
    """Joined row by row it would make thousands of rows of nobody: refused, with the count."""
    header, rows = read_csv(folder / "card.csv")
    write_csv(folder / "card.csv", header, [[*rows[199][:-1], row[-1]] for row in rows])
    header, rows = read_csv(folder / "health.csv")
    write_csv(folder / "health.csv", header, [[*rows[159][:-1], row[-1]] for row in rows])
    (folder / "study.toml").write_text((folder / "study.toml").read_text().replace('"drop"  ', '"all"  '))
    work = open_workspace(folder / "study.toml", clock=FrozenClock())
    prepared(work, folder)
    with pytest.raises(Conflict, match="40,000 rows would come of 400"):
        link(work)


def test_an_export_needs_bounds_that_hold_and_were_measured(work, folder):
    """Refused: nothing treated, not measured, measured and failed, or measured under other bounds."""
    prepared(work, folder)
    with pytest.raises(NotFound):
        export(work)
    link(work)
    join(work)
    treat(work)
    with pytest.raises(Conflict, match="not measured"):
        export(work)
    check(work, "joined", second_opinion=False)
    check(work, "treated", second_opinion=False)
    plan = folder / "study.toml"
    plan.write_text(plan.read_text().replace("\nk = 3", "\nk = 30"))
    stricter = open_workspace(plan, clock=FrozenClock())
    with pytest.raises(Conflict, match="changed since"):
        export(stricter)
    assert check(stricter, "treated", second_opinion=False)["holds"] is False
    with pytest.raises(Conflict, match="do not hold"):
        export(stricter)
    assert not stricter.pack.exists()


def test_raw_keys_are_not_exported_even_when_put_in_by_hand(work, folder):
    """A treated table that was made to hold keys, or one more column, is refused."""
    treated(work, folder)
    header, rows = read_csv(work.table("treated"))
    stolen = read_csv(work.keys("A"))[1][0][0]
    for changed in (
        [header, *[[*row[:-1], stolen] for row in rows]],
        [[*header, "key"], *[[*r, "x"] for r in rows]],
    ):
        write_csv(work.table("treated"), changed[0], changed[1:])
        check(work, "treated", second_opinion=False)
        # Bounds are not what keeps it back here.
        state = work.read_state()
        state["steps"]["check:treated"]["facts"]["holds"] = True
        work._write(state)
        with pytest.raises(Conflict, match=r"never leave|other columns"):
            export(work)


def test_a_pack_shows_what_was_changed(work, folder):
    """Each file is hashed, the hashes are signed, and another's signature does not do."""
    treated(work, folder)
    facts = export(work)
    assert verify(work.pack, facts["public_key"])["holds"]
    with zipfile.ZipFile(work.pack) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    assert set(files) == {
        "data.csv", "report.md", "checks.json", "treatment.json", "plan.toml", "MANIFEST.json",
        "MANIFEST.sig",
    }  # fmt: skip
    assert json.loads(files["MANIFEST.json"])["destroy_on"] == END
    report = files["report.md"].decode()
    assert "결합률" in report
    assert "no designated body" in report
    for name, fault in (
        ("data.csv", "was changed"),
        ("MANIFEST.json", "signature"),
        ("more.csv", "not in the"),
    ):
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w") as pack:
            for kept, content in {"more.csv": b"", **files}.items():
                if kept == name or kept in files:
                    pack.writestr(kept, content + (b"\n" if kept == name else b""))
        path = folder / "changed.zip"
        path.write_bytes(other.getvalue())
        found = verify(path)
        assert not found["holds"]
        assert fault in found["faults"][0]
    stranger = base64.b64encode(bytes(32)).decode()
    assert not verify(work.pack, stranger)["holds"]
    (folder / "x.zip").write_bytes(b"no zip")
    with pytest.raises(BadRequest, match="no pack"):
        verify(folder / "x.zip")


def test_a_spreadsheet_runs_nothing_of_a_pack(work, folder):
    """What begins as a formula gets a quote before it; taken away, the treated table is back."""
    header, rows = read_csv(folder / "health.csv")
    command = {"고혈압": '=HYPERLINK("http://x")', "당뇨": "'-당뇨", "없음": "-5"}
    write_csv(folder / "health.csv", header, [[*row[:-1], command[row[-1]]] for row in rows])
    treated(work, folder)
    export(work)
    with zipfile.ZipFile(work.pack) as pack:
        header, *rows = csv.reader(io.StringIO(pack.read("data.csv").decode(), newline=""))
    cells = {cell for row in rows for cell in row}
    assert {'\'=HYPERLINK("http://x")', "''-당뇨", "-5"} <= cells
    back = [[cell[1:] if re.match(r"^'+[=+\-@]", cell) else cell for cell in row] for row in rows]
    assert [header, *back] == [read_csv(work.table("treated"))[0], *read_csv(work.table("treated"))[1]]
    assert verify(work.pack)["holds"]


def test_destruction_has_its_time_and_its_evidence(work, folder):
    """Links after the export, data on the day, earlier with a reason; what is gone is listed and signed."""
    treated(work, folder)
    with pytest.raises(Conflict, match="knows of no export"):
        destroy(work, "links")
    export(work)
    with pytest.raises(Conflict, match="destruction date is"):
        destroy(work, "all")
    secret = work.secret.read_text().split()[2]
    found = destroy(work, "links")
    for gone in (work.secret, work.links, work.keys("A"), work.attributes("B")):
        assert not gone.exists()
    assert work.pack.exists()
    evidence = json.loads((work.evidence / found["evidence"].rpartition("/")[2]).read_text())
    assert {file["path"] for file in evidence["files"]} >= {"secret/project.key", "body/links.csv"}
    assert all(len(file["sha256"]) == 64 for file in evidence["files"])
    assert secret not in json.dumps(evidence)
    path = work.evidence / found["evidence"].rpartition("/")[2]
    assert verify_evidence(path)
    path.write_text(path.read_text().replace("body/links.csv", "body/other.csv"))
    assert not verify_evidence(path)
    with pytest.raises(NotFound, match="nothing is left"):
        destroy(work, "links")
    destroy(work, "all", reason="the study was called off")
    left = {path.name for path in work.folder.rglob("*") if path.is_file()}
    assert left == {"state.json"} | {path.name for path in work.evidence.iterdir()}


def test_after_the_day_nothing_is_made_and_all_may_go(work, folder):
    """Every making step is refused on the destruction date; destroying needs no reason any more."""
    treated(work, folder)
    work.clock.advance((date.fromisoformat(END) - date(2026, 1, 1)).days * 86_400)
    for step in (lambda: link(work), lambda: join(work), lambda: treat(work), lambda: export(work),
                 lambda: prepare(work, "A", folder / "card.csv"), lambda: extract(work)):  # fmt: skip
        with pytest.raises(Conflict, match="destruction date"):
            step()
    assert read_status(work)["days_left"] == 0
    assert read_status(work)["next"]["command"] == "destroy --what all"
    destroy(work, "all")
    assert not work.table("joined").exists()


def test_keys_of_another_plan_are_not_mixed(work, folder):
    """Key items and columns stay as they were when the project began; bounds may change."""
    work.begin()
    plan = folder / "study.toml"
    plan.write_text(plan.read_text().replace("\nk = 3", "\nk = 4"))
    open_workspace(plan).read_state()
    plan.write_text(plan.read_text().replace('sex = "성별"', 'sex = "생년월일"'))
    with pytest.raises(Conflict, match="names other keys"):
        open_workspace(plan).read_state()


def test_links_of_another_run_are_refused(work, folder):
    """A party that prepares again gets new serials: old links are not applied to them."""
    prepared(work, folder)
    link(work)
    path = folder / "card.csv"
    path.write_text(path.read_text().replace("10000\n", "20000\n", 1) + "\n")
    prepare(work, "A", path)
    with pytest.raises(BadRequest, match="different runs"):
        join(work)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("spend", "850101-1234567", "resident"),
        ("spend", "010-9999-8888 call", "phone"),
        ("spend", "a@b.kr", "email"),
    ],
)
def test_a_direct_identifier_among_the_attributes_is_refused(work, folder, column, value, kind):
    """With line and column, without the value; nothing was written."""
    header, rows = read_csv(folder / "card.csv")
    rows[2][header.index(column)] = value
    write_csv(folder / "card.csv", header, rows)
    work.begin()
    create_key(work.secret, "study")
    with pytest.raises(BadRequest, match=rf"line 4, column {column}: .*{kind}") as error:
        prepare(work, "A", folder / "card.csv")
    assert value not in str(error.value)
    assert not (work.folder / "body").exists()


def test_free_text_is_masked_before_it_leaves(work, folder, people):
    """The row's own key items by themselves, whatever the scanner misses; the rest by the scanner."""

    class FindsStaff:
        def scan(self, text):
            at = text.find("박간호")
            return [Entity("PERSON", at, at + 3, 0.9, "title")] if at >= 0 else []

    header, rows = read_csv(folder / "health.csv")
    notes = [[*row, f"{row[0]} {row[3]} 내원, 담당 박간호"] for row in rows]
    write_csv(folder / "health.csv", [*header, "memo"], notes)
    plan = folder / "study.toml"
    text = plan.read_text().replace('["disease"]', '["disease", "memo"]')
    plan.write_text(text.replace("[bounds]", 'text = ["B.memo"]\n\n[bounds]'))
    work = open_workspace(plan, clock=FrozenClock())
    work.begin()
    create_key(work.secret, "study")
    with pytest.raises(BadRequest, match="PII scanner"):
        prepare(work, "B", folder / "health.csv")
    assert prepare(work, "B", folder / "health.csv", scanner=FindsStaff())["masked"] == 600
    _, sent = read_csv(work.attributes("B"))
    assert {row[2] for row in sent} == {"<KEY_ITEM> <KEY_ITEM> 내원, 담당 <PERSON>"}


def test_a_key_item_under_another_name_is_refused(work, folder):
    """A column that equals the name of its own row, row after row, is the name."""
    header, rows = read_csv(folder / "health.csv")
    for row in rows:
        row[4] = row[0]
    write_csv(folder / "health.csv", header, rows)
    work.begin()
    create_key(work.secret, "study")
    with pytest.raises(BadRequest, match="column disease: equals a key item"):
        prepare(work, "B", folder / "health.csv")


def test_a_stray_key_item_is_left_empty(work, folder):
    """One name in a column of numbers stops nobody and goes nowhere."""
    header, rows = read_csv(folder / "health.csv")
    name = rows[3][4] = rows[3][0]
    write_csv(folder / "health.csv", header, rows)
    work.begin()
    create_key(work.secret, "study")
    assert prepare(work, "B", folder / "health.csv")["masked"] == 1
    assert name not in work.attributes("B").read_text("utf-8")
    write_csv(folder / "empty.csv", header, [])
    with pytest.raises(BadRequest, match="no row stands below the header"):
        prepare(work, "B", folder / "empty.csv")


def test_rows_without_a_key_are_counted_and_left_out(work, folder):
    """By the item that is missing, never by their values."""
    header, rows = read_csv(folder / "card.csv")
    rows[0][3] = "없음"
    rows[1][1] = "1985-13-01"
    write_csv(folder / "card.csv", header, rows)
    work.begin()
    create_key(work.secret, "study")
    facts = prepare(work, "A", folder / "card.csv")
    assert (facts["rows"], facts["rows_with_key"]) == (200, 198)
    assert facts["without"] == {"phone": 1, "birth_date": 1}


def test_the_commands_lead_from_an_empty_folder_to_the_pack(folder, monkeypatch):
    """As a person types them; every one takes --json, and `status` says who is next."""
    monkeypatch.chdir(folder)
    (folder / "study.toml").unlink()
    runner = CliRunner()

    def run(line, code=0):
        result = runner.invoke(app, ["combine", *line.split(), "--json"])
        assert result.exit_code == code, result.output + repr(result.exception)
        return json.loads(result.stdout)

    assert run("init study.toml")["is_new"]
    assert run("init study.toml")["project"] == "study"
    assert run("status study.toml")["next"] == {"who": "body", "command": "key"}
    assert len(run("key study.toml")["fingerprint"]) == 16
    assert run("key study.toml")["is_new"] is False
    run("prepare study.toml card.csv --party A")
    assert run("status study.toml")["next"]["command"] == "prepare --party B"
    run("prepare study.toml health.csv --party B")
    run("link study.toml")
    assert run("rate study.toml")["matched_keys"] == 160
    assert run("mock study.toml --sample 0.25")["rows"] == 40
    assert run("extract study.toml")["rows"] == {"A": 160, "B": 160}
    assert run("select study.toml --party B")["rows"] == 160
    run("join study.toml")
    assert run("check study.toml --strict", code=1)["second_opinion"]["agrees"]
    assert run("treat study.toml --with-anjana")["anjana"]
    report = run("check study.toml --table treated --strict --no-second-opinion")
    assert report["holds"]
    assert report["bounds"]["k"]["found"] >= 3
    key = run("export study.toml")["public_key"]
    assert run(f"verify study/export/study.zip --public-key {key}")["is_key_given"]
    run("destroy study.toml")
    assert run("status study.toml")["next"]["who"] == "everybody"


def test_with_a_home_the_audit_log_has_the_hand_overs(folder, monkeypatch):
    """And the log in the database holds no identifier and no secret either."""
    monkeypatch.chdir(folder)
    (folder / "study.toml").write_text(
        write_example("study", "2099-01-01")
    )  # this one runs by the real clock
    runner = CliRunner()
    for line in ("init study.toml", "key study.toml", "prepare study.toml card.csv --party A --home home"):
        result = runner.invoke(app, ["combine", *line.split()])
        assert result.exit_code == 0, result.output + repr(result.exception)
    assert "200 of 200 rows have a key" in result.stdout
    with closing(sqlite3.connect(folder / "home" / FILE_NAME)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        dump = "\n".join(str(row) for name in names for row in database.execute(f'SELECT * FROM "{name}"'))
    assert dump.count("combine.hand_over") == 2
    assert (folder / "study" / "secret" / "project.key").read_text().split()[2] not in dump


def test_an_error_is_one_line(folder):
    """Bad input is a NaruError, which the command line prints as one line."""
    result = CliRunner().invoke(app, ["combine", "status", str(folder / "study.toml")])
    assert isinstance(result.exception, NaruError)
    assert "naru combine init" in str(result.exception)
