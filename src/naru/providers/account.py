"""What all kinds of upstream share: languages by preference, headers, and what must stay secret.

A model name may come from a client, so it is never put into a path before `path_segment` has seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from naru import __version__
from naru.kernel.errors import NotFound
from naru.settings.model import Provider as ProviderSettings
from naru.wire.base import Framing, UpstreamDialect
from naru.wire.registry import UPSTREAM_DIALECTS
from naru.wire.sse import SseFraming

# Characters the HTTP client leaves as they are in a path: what is sent is then exactly what was signed.
_PATH_SAFE: Final = "-._~!$&'()*+,;=:@"


class Account:
    """Base of every kind of provider. Stateless once built, and safe to share.

    Args:
        name: of the `[providers.NAME]` table.
        settings: that table.
        vendor: price list that applies unless the table says otherwise.
        base_url: address to use when the table has none.
        version_path: version path of the vendor's own address, put on a `base_url` that is a bare host.
    """

    native: str
    """Language for every client language that the upstream does not speak itself."""
    passed_headers: tuple[str, ...] = ()
    """Client headers passed on, lower case."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        vendor: str,
        base_url: str,
        version_path: str = "",
    ) -> None:
        self.name = name
        self.kind: str = settings.kind
        self.vendor = settings.vendor or vendor
        self.site = settings.site
        self.may_ask_usage = settings.supports_stream_usage
        self.retention = settings.retention
        self._key = settings.api_key.get_secret_value() if settings.api_key is not None else None
        address = (settings.base_url or base_url).rstrip("/")
        parts = urlsplit(address)
        self._base_url = address if parts.path or not version_path else address + version_path
        self._spoken: tuple[str, ...] = ()
        own = {header.lower(): content for header, content in settings.headers.items()}
        base = {
            "content-type": "application/json",
            "user-agent": f"naru/{__version__}",
            **self._credentials(),
            **own,
        }
        self._headers = {"accept": "application/json", **base}
        self._stream_headers = {"accept": self.stream_type, **base}
        self.secrets: tuple[str, ...] = tuple(
            dict.fromkeys(
                secret
                for secret in (
                    self._key,
                    self._base_url,
                    parts.netloc,
                    parts.hostname,
                    # An operator may put a credential in any extra header; short flags are no secret.
                    *(content for content in own.values() if len(content) >= 8),
                )
                if secret
            )
        )

    @property
    def stream_type(self) -> str:
        """Media type asked for when streaming."""
        return "text/event-stream"

    def _credentials(self) -> dict[str, str]:
        """Headers that authenticate every request, lower case."""
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    def find_dialect(self, client: str) -> UpstreamDialect | None:
        """See `Provider.find_dialect`."""
        return UPSTREAM_DIALECTS.get(client if client in self._spoken else self.native)

    def headers(self, client_headers: Mapping[str, str], *, is_stream: bool) -> dict[str, str]:
        """All headers of one request: ours, the operator's, and the client's that may pass."""
        headers = dict(self._stream_headers if is_stream else self._headers)
        for name in self.passed_headers:
            if content := client_headers.get(name):
                configured = headers.get(name)
                headers[name] = f"{configured},{content}" if configured else content
        return headers

    def new_framing(self) -> Framing:
        """See `Provider.new_framing`."""
        return SseFraming()


def path_segment(model: str) -> str:
    """`model` as one segment of a path.

    Raises:
        NotFound: the name could leave its place in the path (`..`), so no such model can exist.
    """
    if not model.strip("."):
        raise NotFound(
            "This is not the name of a model. GET /v1/models lists those that exist.",
            code="model_not_found",
            param="model",
        )
    return quote(model, safe=_PATH_SAFE)
