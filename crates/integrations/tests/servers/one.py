"""Runs one check in this process: `one.py --evalmark PROGRAM CHECK`."""

import argparse
import importlib.util
import sys
import tempfile
import traceback
from pathlib import Path

from world import World


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evalmark", required=True, type=Path)
    parser.add_argument("check")
    options = parser.parse_args()
    # A check is called as the product's own package may be, which must stay importable.
    file = Path(__file__).parent / "checks" / f"{options.check}.py"
    spec = importlib.util.spec_from_file_location(f"check_{options.check}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory(prefix="evalmark-servers-") as folder:
        world = World(options.evalmark, Path(folder))
        try:
            module.check(world)
        except Exception:
            print(traceback.format_exc(), file=sys.stderr)
            world.tell_logs()
            return 1
        finally:
            world.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
