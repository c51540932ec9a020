#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Compile programs from the sources that the list names, and assemble what their images hold of them: in one step, since
# each step costs a container.
#
#   compile.sh LIST FOLDERS SOURCES PROJECT GIT TARGET LINKAGE MIRROR CARGO KEPT ASSEMBLE FIT OUT RUNTIME COUNT TREE=NAME... \
#     CARGO_ARGUMENT...
#
# PROJECT is the folder of the mirror in which cargo runs, LINKAGE is `dynamic` or `static`. MIRROR, CARGO, KEPT,
# ASSEMBLE and FIT are other scripts beside this one; the first says what LIST, FOLDERS, SOURCES, GIT and TARGET are, both last what RUNTIME is. OUT
# gets the COUNT programs, each in the tree in its folder TREE, which several may share; / is the tree of one image.
set -eu
export LC_ALL=C

list=$1 folders=$2 sources=$3 project=$4 git=$5 target=$6 linkage=$7 mirror=$8 cargo=$9
shift 9
kept=$1 assemble=$2 fit=$3 out=$4 runtime=$5 count=$6
shift 6
support=$(cd "$(dirname "$0")" && pwd)
. "$support/$cargo"
. "$support/$kept"

for _ in $(seq "$count"); do
    printf '%s\n' "${1#*=}" >> "$work/names"
    printf '%s\n' "${1%%=*}" >> "$work/trees"
    shift
done

begin "$@"
check_artefacts
# One that does not compile is no reason for the others to wait.
[ "$count" = 1 ] || keep_going=1
call_cargo build "$@"
# Of the artefacts only binaries are executable; a build script's is not named.
sed -n 's/.*"reason":"compiler-artifact".*"executable":"\([^"]*\)".*/\1/p' "$work/messages" > "$work/programs"
program_of() { awk -v name="/$1" 'substr($0, length($0) - length(name) + 1) == name' "$work/programs" | tail -n 1; }
name_failed() {
    while IFS= read -r name; do
        [ -n "$(program_of "$name")" ] || mark "not made: $name"
    done < "$work/names"
}
require_success build "$code" name_failed
sweep
note_rewritten
finish
while IFS= read -r name && IFS= read -r tree <&3; do
    place=$out
    [ "$out" = / ] || place=$out/$tree
    sh "$support/$assemble" "$place" "$runtime" "$name" "$linkage" "$(program_of "$name")" < /dev/null || {
        code=$?
        mark "not made: $name"
    }
    sh "$support/$fit" "$place" "$runtime" < /dev/null
done < "$work/names" 3< "$work/trees"
exit "$code"
