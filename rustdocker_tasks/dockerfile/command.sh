#!/bin/sh
# Made by rustdocker-tasks.
#
# Run a command of cargo's for developers in the mirror of the sources: `test`, `clippy` or `fmt`.
#
#   command.sh LIST FOLDERS SOURCES PROJECT GIT TARGET MIRROR CARGO KEPT OUT RUN COUNT COMMAND CARGO_ARGUMENT...
#
# As compile.sh; RUN is another word each time, so that no run is taken for another, and COUNT is how many binaries are kept
# from each build. OUT gets the exit code of the tests, `code`, and the files that `fmt` would change, below `files`.
set -eu
export LC_ALL=C

list=$1 folders=$2 sources=$3 project=$4 git=$5 target=$6 mirror=$7 cargo=$8 kept=$9
shift 9
out=$1 count=$3 command=$4
shift 4
support=$(cd "$(dirname "$0")" && pwd)
. "$support/$cargo"
. "$support/$kept"

mkdir -p "$out/files"

# First compile, with what opens registries; then run what was compiled, without.
run_tests() {
    compile_tests "$@"
    require_success test "$code"
    sweep
    # What tests write is not for the next run.
    note_rewritten
    # The width alone is an error to cargo 1.85.
    unset CARGO_TERM_PROGRESS_WHEN CARGO_TERM_PROGRESS_WIDTH
    offline=--offline
    for word; do
        case $word in --) break ;; --no-run) return ;; --offline) offline= ;; esac
    done
    # BuildKit reads two streams, and would mix their lines.
    # shellcheck disable=SC2086 # none, or one word
    cargo test $offline $target_flag "$@" 2>&1 || code=$?
}

compile_tests() {
    is_first=1
    for word; do
        [ -z "$is_first" ] || set --
        is_first=
        # Those in documentation are compiled as they are run, and the two flags exclude each other.
        case $word in --doc | --no-run) ;; *) set -- "$@" "$word" ;; esac
    done
    call_cargo test --no-run "$@"
}

# In a copy: what is written over in the mirror counts as changed by a build script.
format() {
    cp -a "$sources" "$work/copy"
    enter "$work/copy/$project"
    cargo fmt "$@" || code=$?
    require_success fmt "$code"
    cd "$work/copy"
    # shellcheck disable=SC2016 # for the inner shell
    find . -name '*.rs' -type f -exec sh -c '
        mirror=$1 out=$2
        shift 2
        for file; do
            cmp -s "$file" "$mirror/$file" || { mkdir -p "$out/$(dirname "$file")" && cp "$file" "$out/$file"; }
        done' sh "$sources" "$out/files" {} +
}

begin "$command" "$@"
code=0
if [ "$command" = fmt ]; then
    format "$@"
    exit
fi
check_artefacts
if [ "$command" = test ]; then
    run_tests "$@"
else
    call_cargo "$command" "$@"
    require_success "$command" "$code"
    sweep
    note_rewritten
fi
finish
# A step's output may be cut off where there is too much of it.
echo "$code" > "$out/code"
