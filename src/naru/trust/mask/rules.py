"""What is done about each type, and where values may come back. One frozen value per policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["mask", "block", "keep_inside", "allow"]
ToolScope = Literal["client", "all", "none"]

CLIENT_TOOLS = frozenset(
    ["function", "function_call", "custom", "custom_tool_call", "tool_use", "local_shell_call"]
)
"""Kinds of tool calls that the client itself carries out."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one request is masked and its answer restored.

    Attributes:
        actions: type to action, as a mapping or a callable. What is not named is masked. A CUSTOM:<name> that
            is not named is looked up as `CUSTOM`.
        fakes: types that get a format-preserving fake instead of a placeholder.
        note: tell the model what placeholders are, once something was masked.
        hosts: hosts into whose URLs values may be restored: exact, `*.example.com` for all below it,
            `*` for any.
        tools: into whose arguments values are restored: `client` (tools the client runs itself), `all`,
            `none`, or the names of tools.
        propagate: mask every further occurrence of a value that was found once.
    """

    actions: Mapping[str, Action] | Callable[[str], Action] = field(default_factory=dict)
    fakes: frozenset[str] = frozenset()
    note: bool = True
    hosts: frozenset[str] = frozenset()
    tools: ToolScope | frozenset[str] = "client"
    propagate: bool = True

    def action_of(self, type: str) -> Action:
        """What is done about a type."""
        if callable(self.actions):
            return self.actions(type)
        action = self.actions.get(type)
        if action is None and type.startswith("CUSTOM:"):
            action = self.actions.get("CUSTOM")
        return action or "mask"

    def may_restore_into(self, kind: str, name: str) -> bool:
        """Whether values come back in the arguments of tool `name`, of a kind such as `mcp_call`."""
        if isinstance(self.tools, frozenset):
            return name in self.tools
        return self.tools == "all" or (self.tools == "client" and kind in CLIENT_TOOLS)
