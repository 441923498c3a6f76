#!/usr/bin/env bash
# Builds every target as a farm wants it (OSS-Fuzz, ClusterFuzzLite): $CC, $CXX, $CFLAGS, $CXXFLAGS and $LIB_FUZZING_ENGINE come from there,
# sources are in $SRC/entryproof, programs, seeds and dictionaries go to $OUT.
set -euo pipefail
: "${OUT:?where the programs go}" "${CC:=clang-19}" "${CXX:=clang++-19}" "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"
root=${SRC:+$SRC/entryproof}
[[ -n $root && -d $root ]] || root=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-$root/build/farm}

# A farm brings its sanitizers in the flags; by hand they are ours.
if [[ -z ${CXXFLAGS:-} ]]; then
  CFLAGS="-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -fsanitize=fuzzer-no-link"
  CXXFLAGS=$CFLAGS
fi
# The distribution's libraries are built for libstdc++.
CXXFLAGS=${CXXFLAGS//-stdlib=libc++/}
cmake -S "$root" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_C_FLAGS="${CFLAGS:-}" -DCMAKE_CXX_FLAGS="$CXXFLAGS" -DENTRYPROOF_FUZZ=ON -DENTRYPROOF_FUZZ_INSTRUMENT=OFF \
  -DENTRYPROOF_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DENTRYPROOF_TESTS=OFF -DENTRYPROOF_BENCH=OFF \
  -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-rpath,\$ORIGIN/lib"
cmake --build "$work" --target fuzz/all

mkdir -p "$OUT"
for program in "$work"/bin/fuzz_*; do
  name=$(basename "$program")
  target=${name#fuzz_}
  [[ $target != replay && $target != warden ]] || continue
  cp "$program" "$OUT/$name"
  # Where it runs there are no libraries but the C library's.
  mkdir -p "$OUT/lib"
  ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|ld-linux.*)\.so' |
    xargs -r cp -Lu -t "$OUT/lib"
  corpus=$(mktemp -d)
  for folder in "$root/fuzz/corpus/$target" "$root/fuzz/regressions/$target" "$work/fuzz/seeds/$target"; do
    [[ ! -d $folder ]] || cp -r "$folder/." "$corpus/"
  done
  (cd "$corpus" && zip -q -r "$OUT/${name}_seed_corpus.zip" .)
  rm -rf "$corpus"
  for dictionary in "$root/fuzz/dictionaries/$target.dict" "$work/fuzz/seeds/$target.dict"; do
    [[ ! -f $dictionary ]] || cp "$dictionary" "$OUT/$name.dict"
  done
done

# A farm would not miss what it never had.
sed -nE 's/^ *Target\{"([a-z_]+)".*/\1/p' "$root/fuzz/targets.cc" | while read -r target; do
  [[ -x $OUT/fuzz_$target && -s $OUT/fuzz_${target}_seed_corpus.zip ]] || { echo "fuzz/build.sh: no fuzz_$target in $OUT" >&2; exit 1; }
done
