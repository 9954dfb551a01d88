"""Token counts in disjoint buckets: what every provider's usage is normalised to before it is priced.

`None` means the upstream did not say; 0 means it said none. The sum of the buckets equals what the
provider billed, so a cached token is never also a fresh one and a reasoning token never also text.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one attempt, each counted in exactly one bucket."""

    input_tokens: int | None = None
    """Fresh text input: neither read from nor written to the provider's prompt cache."""
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_tokens: int | None = None
    """Text output, tool-call arguments included, reasoning excluded."""
    reasoning_tokens: int | None = None
    output_audio_tokens: int | None = None
    output_image_tokens: int | None = None
    service_tier: str | None = None
    """The tier the provider says it served (`default`, `flex`, `priority`, `batch`): it decides the price."""
    is_estimated: bool = False
    """True when any bucket was counted by Naru because the upstream did not report it."""

    @property
    def total_input_tokens(self) -> int:
        """All input buckets, unknown ones counted as none."""
        return sum(
            n or 0
            for n in (
                self.input_tokens,
                self.cache_read_tokens,
                self.cache_write_5m_tokens,
                self.cache_write_1h_tokens,
                self.input_audio_tokens,
                self.input_image_tokens,
            )
        )

    @property
    def total_output_tokens(self) -> int:
        """All output buckets, unknown ones counted as none."""
        return sum(
            n or 0
            for n in (
                self.output_tokens,
                self.reasoning_tokens,
                self.output_audio_tokens,
                self.output_image_tokens,
            )
        )


BUCKETS: Final = tuple(name for name in Usage.__struct_fields__ if name.endswith("_tokens"))
"""Their names: also the columns of the ledger and of its exports."""
