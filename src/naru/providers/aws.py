"""AWS Signature Version 4, with credentials from the environment, a profile or the machine's role.

Credentials are found once, when the provider is built, so that a missing profile is told at load. Those that
expire are renewed in a thread ahead of time: no call waits for it, unless they have run out in an idle hour.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from naru.kernel.clock import Clock, SystemClock
from naru.kernel.errors import ConfigError, UpstreamUnavailable

_LAST_CALL_S: Final = 60
"""With less time left than this, a call waits for new credentials rather than fail with the old."""
_RENEWAL_PAUSE_S: Final = 30.0
"""Between two renewals: a source that keeps giving short-lived credentials is not asked at every call."""
_NOT_RENEWED = (BotoCoreError, RuntimeError, OSError)


class Signer:
    """Signs requests to one AWS region.

    Args:
        name: of the provider, for messages.
        region: AWS region.
        profile: of the AWS configuration files; None takes AWS's usual places in their usual order.

    Raises:
        ConfigError: no credentials can be found.
    """

    def __init__(self, name: str, region: str, profile: str | None, *, clock: Clock | None = None) -> None:
        self._region = region
        self._clock = clock or SystemClock()
        self._renewed_at = float("-inf")
        try:
            self._credentials: Any = Session(profile=profile).get_credentials()
            self._frozen: Any = self._credentials and self._credentials.get_frozen_credentials()
        except _NOT_RENEWED as error:
            raise ConfigError(
                f"providers.{name}: AWS credentials cannot be read ({type(error).__name__}); check "
                "aws_profile and the AWS files it names"
            ) from None
        if self._frozen is None:
            raise ConfigError(
                f"providers.{name}: no AWS credentials found; set api_key_env, aws_profile or AWS_…"
            )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials as they were found. Renewed ones are known to a Redactor by their form."""
        frozen = self._frozen
        return tuple(part for part in (frozen.access_key, frozen.secret_key, frozen.token) if part)

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        """Headers that sign a POST of JSON, lower case.

        Raises:
            UpstreamUnavailable: the credentials have run out and no new ones can be had.
        """
        if isinstance(self._credentials, RefreshableCredentials):
            self._renew()
        request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
        SigV4Auth(self._frozen, "bedrock", self._region).add_auth(request)
        return {name.lower(): str(content) for name, content in request.headers.items()}

    def _renew(self) -> None:
        if self._credentials.refresh_needed(_LAST_CALL_S):
            try:
                self._frozen = self._credentials.get_frozen_credentials()
            except _NOT_RENEWED:
                raise UpstreamUnavailable(
                    "Naru's AWS credentials have run out and cannot be renewed. Ask an admin to check them.",
                    code="upstream_auth",
                ) from None
        elif self._credentials.refresh_needed():
            now = self._clock.monotonic()
            if now - self._renewed_at >= _RENEWAL_PAUSE_S:
                self._renewed_at = now
                threading.Thread(target=self._renew_ahead, name="naru-aws-credentials", daemon=True).start()

    def _renew_ahead(self) -> None:
        try:
            self._frozen = self._credentials.get_frozen_credentials()
        except _NOT_RENEWED:
            # There is time left to try again; botocore has logged why.
            return
