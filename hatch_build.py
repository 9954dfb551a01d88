"""Build hook: writes Vega's JavaScript, taken from the vl-convert package, where the console serves it from.

The bundle is generated, git-ignored and in every wheel; a wheel without it is not built.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = Path("src/naru/web/static/vendor/vega.js")
_SMALLEST_BYTES = 500_000  # the bundle is about 900 kB; anything much smaller is not it


class VegaBundleHook(BuildHookInterface[Any]):
    """Runs for wheels and editable installs alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatch's names
        """Write the bundle unless the one that lies there is of this version of vl-convert."""
        write_bundle(Path(self.root) / TARGET)


def write_bundle(target: Path) -> bool:
    """Write the bundle to `target`; False when it lay there already.

    Raises:
        RuntimeError: vl-convert gave something that cannot be the bundle.
    """
    mark = f"/* vl-convert-python {version('vl-convert-python')} */\n"
    if target.exists():
        with target.open(encoding="utf-8") as there:
            if there.readline() == mark and target.stat().st_size > _SMALLEST_BYTES:
                return False
    import vl_convert  # noqa: PLC0415  # only when there is work: it is 50 MB of engine

    bundle = vl_convert.javascript_bundle()
    if len(bundle) < _SMALLEST_BYTES or "vegaEmbed" not in bundle:
        raise RuntimeError("vl-convert gave no Vega bundle; the console's charts would be missing.")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The bundle is an ES module without imports; as a classic script its names must not become globals.
    target.write_text(f"{mark}(() => {{\n{bundle}\n}})();\n", encoding="utf-8")
    return True


if __name__ == "__main__":  # for a checkout whose install did not run the hook
    write_bundle(Path(__file__).parent / TARGET)
