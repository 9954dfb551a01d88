"""Builds a provider from its `[providers.NAME]` table. One line a kind; each kind is one file."""

from __future__ import annotations

from collections.abc import Callable

from naru.providers.anthropic import AnthropicProvider
from naru.providers.azure import AzureProvider
from naru.providers.base import Provider
from naru.providers.bedrock import BedrockProvider
from naru.providers.gemini import GeminiProvider
from naru.providers.openai import OpenAIProvider
from naru.settings.model import Provider as ProviderSettings

_KINDS: dict[str, Callable[[str, ProviderSettings], Provider]] = {
    "openai": OpenAIProvider,
    "openai-compatible": OpenAIProvider,
    "azure": AzureProvider,
    "anthropic": AnthropicProvider,
    "gemini": GeminiProvider,
    "bedrock": BedrockProvider,
}


def build_provider(name: str, settings: ProviderSettings) -> Provider:
    """The provider of one table, its key already resolved into `settings.api_key`.

    Raises:
        ConfigError: its credentials cannot be found (Bedrock without a key).
    """
    return _KINDS[settings.kind](name, settings)
