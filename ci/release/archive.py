"""Packs the binary that maturin has built for a target: `archive.py TARGET FOLDER`."""

import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(target, folder):
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    windows = "windows" in target
    binary = ROOT / "target" / target / "release" / ("evalmark.exe" if windows else "evalmark")
    name = f"evalmark-{version}-{target}"
    files = [binary, *(ROOT / text for text in ("LICENSE", "LICENSE-APACHE", "LICENSE-MIT", "README.md"))]
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    if windows:
        with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"{name}/{file.name}")
    else:
        with tarfile.open(out / f"{name}.tar.gz", "w:gz") as archive:
            for file in files:
                archive.add(file, f"{name}/{file.name}", filter=owned_by_root)


def owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


if __name__ == "__main__":
    main(*sys.argv[1:])
