#!/usr/bin/env python3
"""Whether everything that names the fuzz targets names the same ones: usage: shape_test.py REPOSITORY. A target that is left out of one of
them would be fuzzed nowhere, and nobody would notice."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
FUZZ = ROOT / "fuzz"


def targets():
    return re.findall(r'Target\{"([a-z_]+)"', (FUZZ / "targets.cc").read_text())


class Shape(unittest.TestCase):
    def test_there_are_targets(self):
        self.assertGreater(len(targets()), 15)
        self.assertEqual(targets(), sorted(set(targets())))

    def test_every_target_is_a_file(self):
        self.assertEqual(targets(), sorted(path.name.removesuffix("_fuzz.cc") for path in FUZZ.glob("*_fuzz.cc")))

    def test_every_target_is_built(self):
        text = (FUZZ / "CMakeLists.txt").read_text()
        listed = re.search(r"set\(ENTRYPROOF_FUZZ_TARGETS([^)]*)\)", text).group(1).split()
        self.assertEqual(targets(), sorted(listed))

    def test_every_dictionary_and_folder_belongs_to_a_target(self):
        for path in [*FUZZ.glob("dictionaries/*"), *FUZZ.glob("corpus/*"), *FUZZ.glob("regressions/*")]:
            self.assertIn(path.name.removesuffix(".dict"), targets(), path)

    def test_dictionaries_are_what_the_engine_reads(self):
        for path in FUZZ.glob("dictionaries/*.dict"):
            for line in path.read_text().splitlines():
                self.assertRegex(line, r'^(#.*|"([ !#-\[\]-~]|\\[\\"]|\\x[0-9a-fA-F]{2})+")$', path)

    def test_people_are_told_of_every_target(self):
        for page in ("docs/fuzzing.md", "bench/README.md"):
            text = (ROOT / page).read_text()
            for target in targets():
                self.assertIn(f"`{target}`", text, page)


if __name__ == "__main__":
    unittest.main()
