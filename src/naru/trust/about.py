"""What each type of personal data is, in one line: for `naru mask --types`, the API and the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ABOUT: Final[Mapping[str, str]] = {
    "PERSON": "names of people, Korean and English",
    "PHONE": "telephone numbers: mobile, land line, 15xx, +82 and other countries'",
    "EMAIL": "e-mail addresses",
    "ADDRESS": "postal addresses, Korean and English (these with their postal code)",
    "POSTAL_CODE": "postal codes before or behind an address, or by their label",
    "BIRTH_DATE": "dates of birth",
    "KR_RRN": "Korean resident registration numbers (주민등록번호)",
    "KR_FRN": "Korean foreigner registration numbers (외국인등록번호)",
    "KR_BRN": "Korean business registration numbers (사업자등록번호)",
    "KR_CRN": "Korean corporate registration numbers (법인등록번호)",
    "PASSPORT": "passport numbers",
    "DRIVER_LICENSE": "driving licence numbers (운전면허번호)",
    "HEALTH_INSURANCE": "health insurance numbers (건강보험증)",
    "VEHICLE": "number plates of vehicles (차량번호), and their identification numbers",
    "ACCOUNT": "bank account numbers (계좌번호)",
    "CARD": "payment card numbers",
    "IBAN": "international bank account numbers",
    "US_SSN": "US social security numbers",
    "IP": "IP addresses",
    "URL": "addresses that hold credentials",
    "API_KEY": "API keys and access tokens",
    "PRIVATE_KEY": "private keys",
    "JWT": "JSON web tokens",
    "PASSWORD": "passwords",
}
