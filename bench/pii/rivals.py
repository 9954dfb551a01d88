"""Presidio (rules only, Korean rules on) and ko-pii, each in an environment of its own under .bench/."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.environments import HOME

_READ = """
import json, sys, time
texts = json.load(open(sys.argv[1], encoding="utf-8"))
answers = [find(text) for text in texts["documents"]]
speed = {}
for name, text in texts["sizes"].items():
    find(text)
    times = []
    started = time.process_time()
    while len(times) < 3 or (len(times) < 200 and time.process_time() - started < 3.0):
        before = time.process_time_ns()
        find(text)
        times.append((time.process_time_ns() - before) / 1e3)
    times.sort()
    median, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
    speed[name] = f"p50 {median:,.0f} µs, p99 {p99:,.0f} µs, {len(text.encode()) / median:.3f} MB/s;"
json.dump({"answers": answers, "speed": speed}, open(sys.argv[2], "w", encoding="utf-8"))
"""

_PRESIDIO = """
import logging
logging.disable(logging.CRITICAL)
import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers as p
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

class Blank(NlpEngine):
    def __init__(self): self.nlp = spacy.blank("en")
    def load(self): pass
    def is_loaded(self): return True
    def process_text(self, text, language):
        doc = self.nlp(text)
        return NlpArtifacts([], doc, [t.idx for t in doc], [t.text.lower() for t in doc], self, language)
    def process_batch(self, texts, language, **kw):
        return ((t, self.process_text(t, language)) for t in texts)
    def is_stopword(self, word, language): return False
    def is_punct(self, word, language): return False
    def get_supported_entities(self): return []
    def get_supported_languages(self): return ["en"]

registry = RecognizerRegistry(supported_languages=["en"])
registry.load_predefined_recognizers(languages=["en"])
registry.recognizers = [r for r in registry.recognizers if "Spacy" not in type(r).__name__]
for name in ("Rrn", "Frn", "Brn", "DriverLicense", "Passport"):
    registry.add_recognizer(getattr(p, f"Kr{name}Recognizer")(supported_language="en"))
registry.recognizers = [r for r in registry.recognizers if type(r).__name__ != "PhoneRecognizer"]
registry.add_recognizer(p.PhoneRecognizer(supported_regions=("US", "KR", "GB")))
engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
NAMES = {"PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN",
         "US_SSN": "US_SSN", "IP_ADDRESS": "IP", "KR_RRN": "KR_RRN", "KR_FRN": "KR_FRN", "KR_BRN": "KR_BRN",
         "KR_PASSPORT": "PASSPORT", "US_PASSPORT": "PASSPORT", "KR_DRIVER_LICENSE": "DRIVER_LICENSE",
         "US_DRIVER_LICENSE": "DRIVER_LICENSE", "US_BANK_NUMBER": "ACCOUNT"}
def find(text):
    found = engine.analyze(text, "en", score_threshold=0.4)
    return [[NAMES[r.entity_type], r.start, r.end] for r in found if r.entity_type in NAMES]
"""

_KO_PII = """
import ko_pii
NAMES = {"RRN": "KR_RRN", "FRN": "KR_FRN", "BUSINESS_REG": "KR_BRN", "CORP_REG": "KR_CRN",
         "FAX": "PHONE", "POSTAL_CODE": "POSTAL_CODE", "PASSPORT": "PASSPORT",
         "DRIVER_LICENSE": "DRIVER_LICENSE",
         "MEDICAL_INSURANCE": "HEALTH_INSURANCE", "VEHICLE": "VEHICLE",
         "ACCOUNT": "ACCOUNT", "CARD": "CARD", "PHONE": "PHONE", "EMAIL": "EMAIL", "IP": "IP",
         "PERSON": "PERSON", "ADDRESS": "ADDRESS", "DT_BIRTH": "BIRTH_DATE"}
def find(text):
    return [[NAMES[r.label], r.start, r.end] for r in ko_pii.detect_all(text) if r.label in NAMES]
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool, the package it comes in, how it is asked, and the types that it knows."""

    package: str
    code: str
    types: tuple[str, ...]


RIVALS: dict[str, Rival] = {
    "presidio": Rival(
        "presidio-analyzer==2.2.366",
        _PRESIDIO,
        (
            *("PHONE", "EMAIL", "CARD", "IBAN", "US_SSN", "IP", "KR_RRN", "KR_FRN", "KR_BRN"),
            *("PASSPORT", "DRIVER_LICENSE", "ACCOUNT"),
        ),
    ),
    "kopii": Rival(
        "ko-pii==1.22.15",
        _KO_PII,
        (
            *("KR_RRN", "KR_FRN", "KR_BRN", "KR_CRN", "PASSPORT", "DRIVER_LICENSE", "HEALTH_INSURANCE"),
            *("VEHICLE", "ACCOUNT", "CARD", "PHONE", "EMAIL", "IP", "POSTAL_CODE", "PERSON", "ADDRESS"),
            "BIRTH_DATE",
        ),
    ),
}


def run_rival(
    name: str, documents: Sequence[str], sizes: Mapping[str, str]
) -> tuple[list[list[tuple[str, int, int]]], dict[str, str]]:
    """What a rival finds in each document, and how long it takes for each size."""
    rival = RIVALS[name]
    home = HOME / name
    python = home / "bin" / "python"
    if not python.exists():
        print(f"making .bench/{name}: {rival.package}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", rival.package], check=True)
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "texts.json"), Path(folder, "answers.json")
        asked.write_text(json.dumps({"documents": list(documents), "sizes": dict(sizes)}), encoding="utf-8")
        program = Path(folder, "rival.py")
        program.write_text(rival.code + _READ, encoding="utf-8")
        subprocess.run([str(python), str(program), str(asked), str(answered)], check=True)
        result = json.loads(answered.read_text(encoding="utf-8"))
    answers = [[(kind, start, end) for kind, start, end in found] for found in result["answers"]]
    return answers, result["speed"]
