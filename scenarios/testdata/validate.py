"""Validates scenario files against scenario.schema.json with an independent validator.

usage: validate.py SCENARIOS_DIRECTORY

testdata/good and every shipped scenario must be valid, testdata/bad must not. (testdata/bad-lint is for the loader alone: a schema
cannot see which checks and fixtures exist.) Prints what disagrees and exits 1, or says that they agree.
"""

import json
import pathlib
import sys

import jsonschema


def without_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("duplicate key")
    return dict(pairs)


def main(root):
    schema = json.loads((root / "scenario.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    def is_valid(path):
        try:
            value = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=without_duplicates)
        except ValueError:
            return False
        return validator.is_valid(value)

    shipped = [path for path in sorted(root.glob("**/*.json"))
               if len(path.relative_to(root).parts) > 1 and path.relative_to(root).parts[0] not in ("testdata", "fixtures")]
    good = shipped + sorted((root / "testdata" / "good").glob("*.json"))
    bad = sorted((root / "testdata" / "bad").glob("*.json"))
    problems = [f"refused: {path}" for path in good if not is_valid(path)]
    problems += [f"accepted: {path}" for path in bad if is_valid(path)]
    if len(good) < 10 or len(bad) < 40:
        problems.append("the corpus is not there")
    print("\n".join(problems) if problems else f"schema and corpus agree: {len(good)} good, {len(bad)} bad")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
