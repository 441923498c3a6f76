#!/usr/bin/env python3
"""That the Debian packages hold what they should: packages_test.py BUILD_DIRECTORY. Needs a finished build."""
import os
import pathlib
import subprocess
import sys
import tempfile


def expect(truth, what):
    if not truth:
        sys.exit(f"packages_test: {what}")


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, **more)
    expect(done.returncode == 0, f"{' '.join(map(str, words))} failed: {done.stdout}{done.stderr}")
    return done.stdout


build = pathlib.Path(sys.argv[1]).resolve()
with tempfile.TemporaryDirectory(prefix="packages_test_") as scratch_name:
    scratch = pathlib.Path(scratch_name)
    run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", scratch, cwd=scratch)
    packages = {run("dpkg-deb", "-f", deb, "Package").strip(): deb for deb in scratch.glob("*.deb")}
    expect(set(packages) == {"thin-entrypoint", "entryproof"}, f"made {sorted(packages)}")

    root = scratch / "root"
    for deb in packages.values():
        run("dpkg-deb", "-x", deb, root)
    content = {name: run("dpkg-deb", "-c", deb) for name, deb in packages.items()}
    for line in "".join(content.values()).splitlines():
        expect(line.split()[1] == "root/root", f"not root's: {line}")

    # The entrypoint depends on nothing, is stripped, and is small.
    program = root / "usr/bin/thin_entrypoint"
    expect(not run("dpkg-deb", "-f", packages["thin-entrypoint"], "Depends").strip(), "thin-entrypoint depends on something")
    kind = run("file", "-b", program)
    expect("statically linked" in kind and ", stripped" in kind, f"thin_entrypoint is {kind}")
    expect(program.stat().st_size < 2_500_000, f"thin_entrypoint has {program.stat().st_size} bytes")
    expect(run(program, "--version").startswith("thin_entrypoint "), "thin_entrypoint does not run")
    for name in ("reference.md", "copyright", "deploy/README.md", "deploy/daemonset.yaml", "deploy/static-pod.yaml", "deploy/Dockerfile"):
        expect((root / "usr/share/doc/thin-entrypoint" / name).is_file(), f"thin-entrypoint lacks {name}")

    # The suite finds its scenarios and the builds that come along, from any directory.
    expect("thin-entrypoint (= " in run("dpkg-deb", "-f", packages["entryproof"], "Depends"), "entryproof does not bring the reference")
    expect("libc6" in run("dpkg-deb", "-f", packages["entryproof"], "Depends"), "entryproof does not name its libraries")
    tool = root / "usr/bin/entryproof"
    expect(tool.is_symlink() and not os.readlink(tool).startswith("/"), "entryproof is no relative link")
    listed = run(tool, "list", "manual/*", cwd=scratch)
    expect("manual/fresh-node" in listed, "the installed suite has no scenarios")
    for name in ("predecessor", "mutant", "thin_entrypoint"):
        expect((root / "usr/libexec/entryproof" / name).exists(), f"entryproof lacks {name}")
    expect(sorted(os.listdir(root / "usr/bin")) == ["entryproof", "thin_entrypoint"], "something else is on the PATH")
