"""Which names in the client languages hold structure, text, containers or seals. All else is free data.

Sources: the request and event types of OpenAI's and Anthropic's SDKs, and the golden cases of this project.
"""

from __future__ import annotations

import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRST = (
    *("instructions", "system", "tools", "functions"),
    *("response_format", "text", "output_config", "messages"),
)
"""Masked in this order, then the rest as they come: what stays the same from turn to turn gets its numbers
first, so a masked history begins with the bytes it began with before."""

IS_FIRST = frozenset(FIRST)

LISTS = _names("messages input tools functions system prompt instructions")
"""Taken apart item by item, so that only an item with a hit is written anew."""

IDENTIFIERS = _names(
    """
    role type id model object status phase ttl call_id tool_call_id tool_use_id item_id file_id container_id
    vector_store_id response_id previous_response_id media_type mime_type detail format encoding
    encoding_format effort syntax stop_reason finish_reason service_tier truncation reasoning_effort verbosity
    speed voice quality background input_fidelity moderation tool_choice prompt_cache_retention inference_geo
    search_context_size display environment execution mode generate_summary require_approval connector_id
    version allowed_callers anthropic_version anthropic_beta betas modalities include container conversation
    """
)
"""Ids and settings: not looked at while they look like one."""

SEALED = _names("signature encrypted_content encrypted_index encrypted_stdout thought_signature b64_json")
"""Must come back byte for byte: not looked at while they look like base64."""

MAYBE_SEALED = SEALED | {"data"}

TOKEN_IDS = _names("logit_bias embedding")
"""Numbers of tokens and vectors."""

SCHEMAS = _names("parameters input_schema output_schema schema")

CONTAINERS = _names(
    """
    content parts source image_url input_audio file function function_call tool_calls custom audio annotations
    citations url_citation thinking_blocks reasoning_details summary tool_choice format system output
    prediction allowed_tools tools functions json_schema text response_format output_config extra_content
    google reasoning thinking stream_options caller grammar prompt outputs results stop stop_sequences
    modalities include betas anthropic_beta cache_control
    """
)
"""Objects and arrays of the language itself."""

TEXTS = _names(
    """
    content text refusal thinking reasoning reasoning_content title context caption alt alt_text filename
    file_name url image_url file_url input output system description user summary cited_text transcript query
    code result instructions suffix prompt stop stop_sequences data file_data arguments partial_json name
    definition safety_identifier prompt_cache_key
    """
)

NUMBERS = _names("seed created created_at max_tokens max_completion_tokens max_output_tokens")
"""Large numbers that are no data."""

_SCALARS = _names(
    """
    temperature top_p top_k n index strict stream is_error parallel_tool_calls budget_tokens max_uses
    disable_parallel_tool_use start_index end_index include_usage include_obfuscation store logprobs
    top_logprobs metadata variables defer_loading enabled stream_options presence_penalty frequency_penalty
    messages seed user safety_identifier mcp_servers web_search_options context_management best_of echo
    """
)
KNOWN = IDENTIFIERS | SEALED | TOKEN_IDS | SCHEMAS | CONTAINERS | TEXTS | NUMBERS | _SCALARS
"""Names that are the language's own and need not be looked at themselves."""

OWN_DATA = _names("input arguments metadata variables")
"""The language's own names for free data."""

ADDRESSES = _names("url image_url file_url file_data data")
FILES = _names("file_data data")
"""Of these, what may be base64 without saying so."""
BINARY_KINDS = _names("base64 redacted_thinking")
MEDIA = _names("image image_url input_image input_audio input_file file audio")

COMMON = _names(
    """
    user assistant system developer tool text function message input_text output_text tool_use tool_result
    object auto custom
    """
)
"""Frequent values of identifiers."""

IDENTIFIER = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[!-?A-~]{1,512}")
"""Printable ASCII with a letter in it, no blank, no `@`: no phone number, no address, no Korean name."""
SEAL = re.compile(r"[A-Za-z0-9+/=_\-#.:\r\n]*")
"""base64, with the marks that Naru itself puts before a signature."""
FIELD = re.compile(r"(?!.*[0-9]{7})[A-Za-z_][A-Za-z0-9_.\-]{0,63}")
"""A field's name at the top of a request."""
