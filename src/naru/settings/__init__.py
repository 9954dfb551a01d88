"""`naru.toml`: one typed tree, read strictly, reloaded without dropping a request.

`load` gives whole and valid settings or raises with every fault and its line; `ConfigWatcher` keeps the
running settings when a new file is bad. What a setting does is decided by the part that gets its slice.
"""

from naru.settings.load import PLACES, InvalidConfig, Problem, load, parse
from naru.settings.model import Settings
from naru.settings.restart import restart_needed
from naru.settings.watch import ConfigWatcher

__all__ = [
    "PLACES",
    "ConfigWatcher",
    "InvalidConfig",
    "Problem",
    "Settings",
    "load",
    "parse",
    "restart_needed",
]
