"""The folder of one combination: which file belongs to whom, which steps are done, and from what.

Every step is idempotent: done again with the same inputs it changes nothing; changed inputs make it run anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from naru.kernel.audit import AuditEvent, AuditSink, NoAudit
from naru.kernel.clock import Clock, SystemClock
from naru.kernel.errors import BadRequest, Conflict, NotFound
from naru.trust.combine.clock import require_open, stamp
from naru.trust.combine.files import hash_file, replacing
from naru.trust.combine.plan import Plan, core_of, read_plan

Facts = Mapping[str, str | int | bool | None]
STATE: Final = "state.json"
_FORMAT: Final = 1


@dataclass(slots=True)
class Workspace:
    """One project's folder. Each actor has one of its own, with only the files that are for it.

    Attributes:
        folder: made when missing, mode 0700.
        plan_path: where the plan lies; files it names lie beside it.
        sink: told of every hand-over before the file is put into place.
        actor: as in `AuditEvent`.
    """

    folder: Path
    plan_path: Path
    plan: Plan
    sink: AuditSink = field(default_factory=NoAudit)
    clock: Clock = field(default_factory=SystemClock)
    actor: str = "naru"

    @property
    def secret(self) -> Path:
        """The project's secret: the body makes it, the parties get it, the key manager never."""
        return self.folder / "secret" / "project.key"

    @property
    def signing_key(self) -> Path:
        """Signs packs and evidence."""
        return self.folder / "secret" / "signing.key"

    def keys(self, party: str) -> Path:
        """For the key manager (결합키관리기관): key and serial."""
        return self.folder / "key-manager" / f"{party}.keys.csv"

    def attributes(self, party: str) -> Path:
        """For the body (결합전문기관): serial and attributes."""
        return self.folder / "body" / f"{party}.attributes.csv"

    def counts(self, party: str) -> Path:
        """For the body, once a party sent only some rows: what only all its rows could tell, in figures."""
        return self.folder / "body" / f"{party}.counts.json"

    def extract(self, party: str) -> Path:
        """For a party: serials of its rows that will join."""
        return self.folder / "party" / f"{party}.extract.csv"

    @property
    def links(self) -> Path:
        """For the body: serial of one party beside serial of the other (결합키연계정보)."""
        return self.folder / "body" / "links.csv"

    @property
    def link_counts(self) -> Path:
        """For the body, beside the links: counts and join rates, as JSON."""
        return self.folder / "body" / "links.json"

    def table(self, name: str) -> Path:
        """`mock`, `joined` or `treated`: at the body."""
        return self.folder / "body" / f"{name}.csv"

    def report(self, name: str) -> Path:
        """What a measurement found, as JSON."""
        return self.folder / "reports" / f"{name}.json"

    @property
    def pack(self) -> Path:
        """What leaves (반출)."""
        return self.folder / "export" / f"{self.plan.project.name}.zip"

    @property
    def evidence(self) -> Path:
        """Records of destruction; kept."""
        return self.folder / "evidence"

    def read_state(self) -> dict[str, Any]:
        """What is done.

        Raises:
            NotFound: the folder was never begun.
        """
        try:
            state = json.loads((self.folder / STATE).read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(
                f"{self.folder} holds no combination; begin with `naru combine init {self.plan_path}`"
            ) from None
        except ValueError:
            state = {}
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise BadRequest(
                f"{self.folder / STATE} is damaged or of another version; restore it from a backup"
            )
        if state["core"] != _digest(core_of(self.plan)):
            raise Conflict(
                f"{self.plan_path} names other keys than those this project began with; put it back, or "
                "begin a project of another name: keys made before and after would not meet"
            )
        found: dict[str, Any] = state
        return found

    def begin(self) -> bool:
        """Make the folder; False when it was there, for the same plan."""
        if (self.folder / STATE).exists():
            self.read_state()
            return False
        require_open(self.plan, self.clock)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(
            {
                "format": _FORMAT,
                "project": self.plan.project.name,
                "core": _digest(core_of(self.plan)),
                "steps": {},
                "events": [],
            }
        )
        return True

    def find_step(self, name: str) -> dict[str, Any] | None:
        """What a step left behind, None when it was not done."""
        found: dict[str, Any] | None = self.read_state()["steps"].get(name)
        return found

    def is_done(
        self, name: str, inputs: Mapping[str, Path], settings: object = None
    ) -> dict[str, Any] | None:
        """The facts of a step that was done from these very inputs and whose files are still what it
        wrote.
        """
        step = self.find_step(name)
        if step is None or step["from"] != self._origin(inputs, settings):
            return None
        for relative, digest in step["outputs"].items():
            path = self.folder / relative
            if not path.is_file() or hash_file(path) != digest:
                return None
        facts: dict[str, Any] = step["facts"]
        return facts

    def finish(
        self,
        name: str,
        inputs: Mapping[str, Path],
        outputs: list[Path],
        facts: Mapping[str, Any],
        settings: object = None,
    ) -> None:
        """Note a step as done."""
        state = self.read_state()
        state["steps"][name] = {
            "at": stamp(self.clock),
            "from": self._origin(inputs, settings),
            "outputs": {str(path.relative_to(self.folder)): hash_file(path) for path in outputs},
            "facts": dict(facts),
        }
        self._write(state)

    def amend(self, name: str, outputs: list[Path], facts: Mapping[str, Any]) -> None:
        """Files of a done step were changed on purpose; done again from the same inputs it stays as it is."""
        state = self.read_state()
        step = state["steps"].get(name)
        if step is None:
            return  # the step was done elsewhere
        step["outputs"] = {str(path.relative_to(self.folder)): hash_file(path) for path in outputs}
        step["facts"] |= facts
        self._write(state)

    def tell(self, action: str, target: str, facts: Facts) -> None:
        """One entry in the audit log and in the project's own list. No value of a row is in it.

        Raises:
            Unavailable: the audit log cannot be written; what it tells of must not happen.
        """
        event = AuditEvent(action=action, actor=self.actor, target=target, facts=dict(facts))
        self.sink.record(event)
        state = self.read_state()
        state["events"].append({"at": stamp(self.clock), "action": action, "target": target, **facts})
        self._write(state)

    @contextmanager
    def handing_over(self, path: Path, to: str, target: str) -> Iterator[TextIO]:
        """As `replacing`, and told of before the file is there for anybody to take."""
        with replacing(path) as file:
            yield file
            self.tell("combine.hand_over", target, {"file": path.name, "to": to})

    def _origin(self, inputs: Mapping[str, Path], settings: object) -> dict[str, str]:
        found = {name: hash_file(path) for name, path in inputs.items()}
        if settings is not None:
            found["settings"] = _digest(settings)
        return found

    def _write(self, state: Mapping[str, Any]) -> None:
        with replacing(self.folder / STATE) as file:
            json.dump(state, file, ensure_ascii=False, indent=1)


def open_workspace(
    plan_path: Path,
    folder: Path | None = None,
    *,
    sink: AuditSink | None = None,
    clock: Clock | None = None,
    actor: str = "naru",
) -> Workspace:
    """The workspace of a plan; default: the folder beside it that has the project's name."""
    plan = read_plan(plan_path)
    return Workspace(
        folder=folder or plan_path.parent / plan.project.name,
        plan_path=plan_path,
        plan=plan,
        sink=sink or NoAudit(),
        clock=clock or SystemClock(),
        actor=actor,
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
