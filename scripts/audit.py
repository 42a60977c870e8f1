#!/usr/bin/env python3
"""Compares Cargo.lock with a folder of security advisories (github.com/RustSec/advisory-db).

For machines without cargo-audit; it needs no network and no package. Advisories that
are accepted stand in deny.toml with their reason. Exit 1 when another one applies.

    scripts/audit.py FOLDER
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def version(text):
    """A version as something that compares: numbers, then pre-releases before releases."""
    core, _, pre = text.split("+")[0].partition("-")
    numbers = [int(part) for part in core.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers))), not pre, pre


def fits_one(have, requirement):
    operator, wanted_text = re.match(r"(>=|<=|>|<|=|\^|~)?\s*(\S+)", requirement.strip()).groups()
    wanted = version(wanted_text)
    if operator in (">=", "<=", ">", "<", "="):
        return {">=": have >= wanted, "<=": have <= wanted, ">": have > wanted, "<": have < wanted, "=": have == wanted}[operator]
    if have < wanted:
        return False
    if operator == "~":
        return have[0][:2] == wanted[0][:2]
    # Compatible: the first number that is not zero, and all before it, are the same.
    same = next((place + 1 for place, number in enumerate(wanted[0]) if number), 3)
    return have[0][:same] == wanted[0][:same]


def fits(have, requirement):
    return all(fits_one(have, part) for part in requirement.split(","))


def main(folder):
    accepted = {entry["id"] for entry in tomllib.loads((ROOT / "deny.toml").read_text())["advisories"]["ignore"]}
    packages = {}
    for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]:
        packages.setdefault(package["name"], []).append(package["version"])
    n_read, n_found, applying = 0, 0, set()
    for file in sorted(Path(folder).glob("crates/*/*.md")):
        text = file.read_text()
        parts = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.S)[1])
        advisory, versions = parts["advisory"], parts.get("versions", {})
        n_read += 1
        if advisory.get("withdrawn"):
            continue
        safe = versions.get("patched", []) + versions.get("unaffected", [])
        for found in packages.get(advisory["package"], []):
            if any(fits(version(found), requirement) for requirement in safe):
                continue
            applying.add(advisory["id"])
            is_accepted = advisory["id"] in accepted
            n_found += not is_accepted
            title = re.search(r"^# (.*)", text, re.M)[1]
            print(f"{'accepted' if is_accepted else 'APPLIES '}  {advisory['id']}  {advisory['package']} {found}: {title}")
    for gone in sorted(accepted - applying):
        n_found += 1
        print(f"APPLIES   {gone} is accepted in deny.toml, but applies no more: take it out")
    n_packages = sum(len(versions) for versions in packages.values())
    print(f"{n_packages} packages against {n_read} advisories: {n_found} to act on")
    return 1 if n_found or not n_read else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
