"""Set, read and delete policies and custom words. Blocks on the database: call from threads.

Every change is an entry in the audit log: ids, counts and types, and no word of anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict, NotFound, Unavailable
from naru.kernel.ids import new_id
from naru.settings.model import Trust as TrustSettings
from naru.trust import store
from naru.trust.desk import new_room
from naru.trust.detect import CustomDetector, Pattern, Scanner
from naru.trust.detect.custom import MAX_PATTERNS, MAX_TERMS
from naru.trust.entity import CUSTOM, ENTITY_TYPES
from naru.trust.policy import PolicyTable, Rules, Scoped, check_rules
from naru.trust.remembered import Remembered
from naru.trust.store import StoredPolicy, WordKind, Words
from naru.trust.term_file import clean_terms
from naru.trust.words import WordVault, new_scanner

POLICY_KINDS = ("org", "team", "project")
WORD_KINDS = ("org", "team")
_MAX_ROWS = 300
"""Dictionaries and patterns of one organisation or team."""
_MAX_NAMES = 500
_MAX_TOOL = 200
_PREFIXES = {"dictionary": "dic", "pattern": "pat"}
_NAME = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣_.-]{0,63}")
_HOST = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::\d{1,5})?")


class PolicyBook:
    """The administration of policies and custom words. Who may do what is the caller's to decide.

    Args:
        read_settings: `[trust]` as it is now.
        find_scanner: the detectors of an organisation and team as they are in force here; None: they are
            made when they are asked for.
        on_change: called after a change, from the caller's thread.
    """

    def __init__(
        self,
        engine: SqlEngine,
        clock: Clock,
        audit: AuditSink,
        *,
        vault: WordVault,
        read_settings: Callable[[], TrustSettings],
        find_scanner: Callable[[str | None, str | None], Scanner | Remembered] | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._vault = vault
        self._read_settings = read_settings
        self._find_scanner = find_scanner
        self._on_change = on_change

    @property
    def settings(self) -> TrustSettings:
        """`[trust]` as it is now."""
        return self._read_settings()

    # --- policies --------------------------------------------------------------------------------------

    def set_policy(self, kind: str, value: str, rules: Rules, *, org_id: str, actor: str) -> StoredPolicy:
        """What an organisation, team or project says, all of it at once. The same again changes nothing.

        Raises:
            BadRequest: it says nothing, or something unknown (code `invalid_policy`).
        """
        _check(rules)
        with self._engine.begin() as connection:
            store.raise_revision(connection, "policies")
            known = store.find_policy(connection, kind, value)
            if known is not None and known.rules == rules:
                return known
            policy = StoredPolicy(kind, value, org_id, rules, actor, self._clock.now_ns())
            store.set_policy(connection, policy)
        self._changed("policy.set", f"{kind}:{value}", actor, org=org_id, **_summarise(rules))
        return policy

    def delete_policy(self, kind: str, value: str, *, org_id: str, actor: str) -> None:
        """Say nothing there any more. Deleting what is not there changes nothing."""
        with self._engine.begin() as connection:
            store.raise_revision(connection, "policies")
            if not store.delete_policy(connection, kind, value):
                return
        self._changed("policy.delete", f"{kind}:{value}", actor, org=org_id)

    def read_policy(self, kind: str, value: str) -> StoredPolicy:
        """What one of them says by itself.

        Raises:
            NotFound: it says nothing (code `policy_not_found`).
        """
        with self._engine.connect() as connection:
            found = store.find_policy(connection, kind, value)
        if found is None:
            raise NotFound(
                "It has no policy of its own; what holds there is its effective policy.",
                code="policy_not_found",
            )
        return found

    def list_policies(self, orgs: Collection[str] | None = None) -> list[StoredPolicy]:
        """By kind and id, those of these organisations unless it is None."""
        with self._engine.connect() as connection:
            return store.list_policies(connection, orgs)

    def read_table(self, *drafts: Scoped) -> PolicyTable:
        """All policies of this moment: of `[trust]` and of the database; drafts stand in the place of what
        their scopes say."""
        stored = [policy.scoped for policy in self.list_policies()]
        return new_room(self._read_settings(), [*stored, *drafts]).table

    def check_policy(self, rules: Rules) -> None:
        """Raises BadRequest as `set_policy` would."""
        _check(rules)

    def find_org(self, kind: str, value: str) -> str | None:
        """The organisation of what is stored for a unit, whether the unit is still there or not."""
        with self._engine.connect() as connection:
            return store.find_org(connection, kind, value)

    # --- words -----------------------------------------------------------------------------------------

    def set_dictionary(
        self, kind: str, value: str, name: str, terms: Sequence[str], *, org_id: str, actor: str
    ) -> Words:
        """The terms of a dictionary, all of them at once; found as `CUSTOM:<name>`.

        Raises:
            BadRequest: a name, the number or a term is wrong (`invalid_name`, `invalid_terms`); a term is
                named by its place, never by what it says.
            Conflict: a pattern of this scope has the name (code `name_taken`).
        """
        plain = _clean_terms(terms)
        return self._set_words("dictionary", (kind, value), name, plain, org_id=org_id, actor=actor)

    def set_pattern(
        self, kind: str, value: str, name: str, expression: str, *, org_id: str, actor: str
    ) -> Words:
        """An expression that is found as `CUSTOM:<name>`.

        Raises:
            BadRequest: it cannot be matched in linear time (code `invalid_pattern`), or the name is wrong.
            Conflict: a dictionary of this scope has the name (code `name_taken`).
        """
        _check_name(name)
        try:
            CustomDetector(patterns=[Pattern(name, expression)])
        except ValueError as error:
            raise BadRequest(
                f"The expression is refused: {error}. Look-around and back references cannot be used.",
                code="invalid_pattern",
                param="expression",
            ) from None
        return self._set_words("pattern", (kind, value), name, [expression], org_id=org_id, actor=actor)

    def delete_words(self, word_kind: WordKind, kind: str, value: str, name: str, *, actor: str) -> None:
        """Forget a dictionary or a pattern. Deleting what is not there changes nothing."""
        with self._engine.begin() as connection:
            store.raise_revision(connection, "words")
            known = self._find_words(connection, word_kind, kind, value, name)
            if known is None:
                return
            store.delete_words(connection, known)
        self._changed(f"{word_kind}.delete", f"{word_kind}:{known.id}", actor, scope=f"{kind}:{value}")

    def list_words(self, word_kind: WordKind, orgs: Collection[str] | None = None) -> list[Words]:
        """Names and counts, by scope and name; those of these organisations unless it is None."""
        with self._engine.connect() as connection:
            return store.list_words(connection, word_kind, orgs)

    def read_words(self, word_kind: WordKind, kind: str, value: str, name: str) -> Words:
        """Name and count of one.

        Raises:
            NotFound: there is none (`dictionary_not_found`, `pattern_not_found`).
        """
        with self._engine.connect() as connection:
            return self._require(connection, word_kind, kind, value, name)

    def reveal(self, word_kind: WordKind, kind: str, value: str, name: str, *, actor: str) -> tuple[str, ...]:
        """The words themselves: the terms, or the one expression. That somebody read them is an entry.

        Raises:
            NotFound: as of `read_words`.
            Unavailable: trust.key is not the one they were sealed with (code `words_unreadable`).
        """
        words, found = self._open(word_kind, kind, value, name)
        self._record(f"{word_kind}.reveal", f"{word_kind}:{words.id}", actor, count=words.size)
        return found

    def read_expression(self, kind: str, value: str, name: str) -> str:
        """The expression of a pattern, for who may change it."""
        return self._open("pattern", kind, value, name)[1][0]

    def find_scanner(self, org: str | None, team: str | None) -> Scanner | Remembered:
        """The detectors that apply to a team's calls."""
        if self._find_scanner is not None:
            return self._find_scanner(org, team)
        scopes = [(kind, id) for kind, id in (("org", org), ("team", team)) if id is not None]
        return new_scanner(self._vault.compile_for(scopes), self._read_settings().threshold)

    # --- inside ----------------------------------------------------------------------------------------

    def _set_words(
        self,
        word_kind: WordKind,
        scope: tuple[str, str],
        name: str,
        words: Sequence[str],
        *,
        org_id: str,
        actor: str,
    ) -> Words:
        _check_name(name)
        with self._engine.begin() as connection:
            revision = store.raise_revision(connection, "words")
            beside = store.list_words_of(connection, *scope)
            known = next((one for one in beside if one.name == name), None)
            if known is not None and known.kind != word_kind:
                raise Conflict(
                    f"There is a {known.kind} of this name; both would be found as {CUSTOM}{name}. Choose "
                    "another name.",
                    code="name_taken",
                    param="name",
                )
            if known is not None and self._is_same(connection, known, words):
                return known
            _check_room([one for one in beside if one is not known], word_kind, len(words))
            id = new_id(_PREFIXES[word_kind]) if known is None else known.id
            made = Words(
                kind=word_kind,
                scope_kind=scope[0],
                scope_value=scope[1],
                name=name,
                id=id,
                org_id=org_id,
                size=len(words),
                revision=revision,
                updated_by=actor,
                updated_at_ns=self._clock.now_ns(),
            )
            store.set_words(connection, made, self._vault.seal(id, words))
        target = f"{word_kind}:{made.id}"
        self._changed(f"{word_kind}.set", target, actor, scope=":".join(scope), count=made.size)
        return made

    def _is_same(self, connection: sa.Connection, known: Words, words: Sequence[str]) -> bool:
        try:
            return list(self._vault.open(known.id, store.read_sealed(connection, known) or "")) == list(words)
        except Unavailable:
            return False  # sealed with a key that is gone: what is written now can be read again

    def _open(self, word_kind: WordKind, kind: str, value: str, name: str) -> tuple[Words, tuple[str, ...]]:
        with self._engine.connect() as connection:
            words = self._require(connection, word_kind, kind, value, name)
            sealed = store.read_sealed(connection, words) or ""
        return words, self._vault.open(words.id, sealed)

    def _require(
        self, connection: sa.Connection, word_kind: WordKind, kind: str, value: str, name: str
    ) -> Words:
        found = self._find_words(connection, word_kind, kind, value, name)
        if found is not None:
            return found
        if word_kind == "dictionary":
            raise NotFound("There is no such dictionary here.", code="dictionary_not_found")
        raise NotFound("There is no such pattern here.", code="pattern_not_found")

    def _find_words(
        self, connection: sa.Connection, word_kind: WordKind, kind: str, value: str, name: str
    ) -> Words | None:
        beside = store.list_words_of(connection, kind, value)
        return next((one for one in beside if one.name == name and one.kind == word_kind), None)

    def _changed(self, action: str, target: str, actor: str, **facts: str | int | bool | None) -> None:
        self._record(action, target, actor, **facts)
        self._on_change()

    def _record(self, action: str, target: str, actor: str, **facts: str | int | bool | None) -> None:
        self._audit.record(AuditEvent(action=action, actor=actor, target=target, facts=facts))


def _clean_terms(terms: Sequence[str]) -> list[str]:
    if len(terms) > MAX_TERMS:
        raise BadRequest(
            f"{len(terms):,} terms; one organisation or team may have {MAX_TERMS:,}.",
            code="invalid_terms",
            param="terms",
        )
    plain = clean_terms(terms)
    if not plain:
        raise BadRequest(
            "There is no term. Give at least one, or delete the dictionary.",
            code="invalid_terms",
            param="terms",
        )
    return plain


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadRequest(
            "A name is 1 to 64 letters, digits, `_`, `.` and `-`, and begins with a letter or digit; it is "
            f"what stands behind {CUSTOM}.",
            code="invalid_name",
            param="name",
        )


def _check_room(beside: Sequence[Words], word_kind: WordKind, count: int) -> None:
    alike = [one for one in beside if one.kind == word_kind]
    if word_kind == "dictionary" and sum(one.size for one in alike) + count > MAX_TERMS:
        raise BadRequest(
            f"All dictionaries of one organisation or team together may have {MAX_TERMS:,} terms.",
            code="invalid_terms",
            param="terms",
        )
    if len(beside) >= _MAX_ROWS or (word_kind == "pattern" and len(alike) >= MAX_PATTERNS):
        raise BadRequest(
            f"One organisation or team may have {MAX_PATTERNS} patterns, and {_MAX_ROWS} dictionaries and "
            "patterns together.",
            code="invalid_value",
        )


def _check(rules: Rules) -> None:
    try:
        check_rules(rules)
    except ValueError as error:
        raise BadRequest(f"{error}.", code="invalid_policy") from None
    fault = _find_fault(rules)
    if fault is not None:
        raise BadRequest(fault, code="invalid_policy")


def _find_fault(rules: Rules) -> str | None:
    custom = [type[len(CUSTOM) :] for type in rules.actions if type.startswith(CUSTOM)]
    lists = (rules.actions, rules.fakes, rules.restore_hosts, rules.restore_tools)
    tools = rules.restore_tools or ()
    faults = {
        "It says nothing. Say at least one thing, or delete the policy.": rules == Rules(),
        f"At most {_MAX_NAMES} lines of a kind.": any(len(given or ()) > _MAX_NAMES for given in lists),
        f"Behind {CUSTOM} stands the name of a dictionary or pattern.": not all(
            _NAME.fullmatch(name) for name in custom
        ),
        "There are fakes of the types of personal data, such as PERSON or PHONE.": not set(
            rules.fakes or ()
        ).issubset(ENTITY_TYPES),
        "A host is a name like `crm.example.com`, `*.example.com`, or `*` for any.": not all(
            _HOST.fullmatch(host) for host in rules.restore_hosts or ()
        ),
        "The name of a tool is 1 to 200 printable signs.": not all(
            1 <= len(tool) <= _MAX_TOOL and tool.isprintable() for tool in tools
        ),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def _summarise(rules: Rules) -> dict[str, str]:
    """What a policy says, as facts: types and actions, no name that somebody thought of."""
    own = {type: action for type, action in rules.actions.items() if not type.startswith(CUSTOM)}
    custom = {action for type, action in rules.actions.items() if type.startswith(CUSTOM)}
    facts = {
        "fields": ",".join(encode_rules(rules)),
        "actions": ",".join(f"{type}={action}" for type, action in sorted(own.items())),
        "custom": ",".join(sorted(custom)),
        "guard": ",".join(f"{kind}={action}" for kind, action in sorted(rules.guard.items())),
        "consent": {None: "", True: "given", False: "withdrawn"}[rules.capture_consent],
    }
    return {name: text for name, text in facts.items() if text}


def encode_rules(rules: Rules) -> dict[str, object]:
    """Rules as JSON: only what they say."""
    built = msgspec.to_builtins(rules)
    return {name: value for name, value in built.items() if value not in (None, {})}
