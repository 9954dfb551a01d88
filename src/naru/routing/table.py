"""Which targets may serve a model name, in which order. One frozen snapshot per configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from naru.kernel.clock import Clock
from naru.kernel.errors import NotFound
from naru.providers.base import Provider
from naru.providers.redact import Redactor
from naru.providers.transport import Transport
from naru.routing.circuit import Circuit


class Timeouts(NamedTuple):
    """Seconds. `total_s` covers all attempts of one call; connecting is the transport's own."""

    first_token_s: float
    idle_s: float
    total_s: float


class Upstream(NamedTuple):
    """A provider with its connections and its patience."""

    provider: Provider
    transport: Transport
    redactor: Redactor
    """Takes the provider's secrets out of its error messages."""
    timeouts: Timeouts
    allowed_models: tuple[str, ...]
    """What clients may ask for as `provider/model`; `*` is any."""


class Target(NamedTuple):
    """One model at one upstream."""

    upstream: Upstream
    model: str
    circuit: Circuit


class ModelInfo(NamedTuple):
    """A model clients may ask for."""

    id: str
    targets: tuple[str, ...]
    provider: str
    site: str
    description: str


class RouteTable:
    """Model names to targets.

    Args:
        upstreams: by provider name.
        models: name to its targets as `provider/model`, first choice first, with a description.
        circuits: kept across reloads, so that a reload does not forget what is broken; made on demand
            by `new_circuit`.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        models: Mapping[str, tuple[Sequence[str], str]],
        circuits: CircuitBook,
    ) -> None:
        self.upstreams = dict(upstreams)
        self._circuits = circuits
        self._named: dict[str, tuple[Target, ...]] = {}
        self._descriptions: dict[str, str] = {}
        for name, (targets, description) in models.items():
            self._named[name] = tuple(self._target(target) for target in targets)
            self._descriptions[name] = description

    def _target(self, name: str) -> Target:
        provider, _, model = name.partition("/")
        return Target(self.upstreams[provider], model, self._circuits.find(name))

    def resolve(self, model: str) -> tuple[Target, ...]:
        """The targets of a model, first choice first.

        Raises:
            NotFound: no model of this name is configured (code `model_not_found`).
        """
        targets = self._named.get(model)
        if targets is not None:
            return targets
        provider, slash, upstream_model = model.partition("/")
        if slash and upstream_model and (upstream := self.upstreams.get(provider)) is not None:
            allowed = upstream.allowed_models
            if upstream_model in allowed or ("*" in allowed and len(model) <= 256):
                # Not kept: with `*` the names come from clients, and a cache of them would have no bound.
                return (Target(upstream, upstream_model, self._circuits.find(model)),)
        raise NotFound(
            f"The model `{_shown(model)}` does not exist here. GET /v1/models lists those that do.",
            code="model_not_found",
            param="model",
        )

    def list_models(self) -> list[ModelInfo]:
        """Every model a client may ask for by name, configured ones first; `*` lists nothing."""
        infos = [
            ModelInfo(
                name,
                tuple(f"{t.upstream.provider.name}/{t.model}" for t in targets),
                targets[0].upstream.provider.name,
                targets[0].upstream.provider.site,
                self._descriptions[name],
            )
            for name, targets in self._named.items()
        ]
        for upstream in self.upstreams.values():
            provider = upstream.provider
            infos += [
                ModelInfo(f"{provider.name}/{m}", (f"{provider.name}/{m}",), provider.name, provider.site, "")
                for m in upstream.allowed_models
                if m != "*"
            ]
        return infos


class CircuitBook:
    """The circuits of all targets, bounded: the least recently made is forgotten first."""

    def __init__(self, *, failures: int, open_s: float, clock: Clock, limit: int = 10_000) -> None:
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._limit = limit
        self._circuits: dict[str, Circuit] = {}

    def configure(self, *, failures: int, open_s: float) -> None:
        """Take new bounds after a reload."""
        self._failures, self._open_s = failures, open_s
        for circuit in self._circuits.values():
            circuit.configure(failures=failures, open_s=open_s)

    def find(self, target: str) -> Circuit:
        """The circuit of `provider/model`, made when there is none."""
        circuit = self._circuits.get(target)
        if circuit is None:
            if len(self._circuits) >= self._limit:
                del self._circuits[next(iter(self._circuits))]
            circuit = Circuit(failures=self._failures, open_s=self._open_s, clock=self._clock)
            self._circuits[target] = circuit
        return circuit

    def of_provider(self, provider: str) -> dict[str, Circuit]:
        """The circuits of one provider's targets, by model."""
        prefix = provider + "/"
        return {name[len(prefix) :]: c for name, c in self._circuits.items() if name.startswith(prefix)}


def _shown(name: str) -> str:
    """A client's own words, safe to repeat: printable and short."""
    text = "".join(c if c.isprintable() else "?" for c in name[:100])
    return text + "…" if len(name) > 100 else text
