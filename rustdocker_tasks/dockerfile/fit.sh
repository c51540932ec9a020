#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Fit a finished tree to the base image that it is copied onto. What it has in a folder that is a link in the base is moved to
# where that link leads: a copy of the tree would end there. A folder that the base has keeps its mode and owner.
#
#   fit.sh OUT RUNTIME
#
# OUT is the tree's place, / for this very image. RUNTIME is where the base image's files lie, an empty word where there is
# none.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2
[ -n "$out" ] && [ -n "$runtime" ] || exit 0

# Leave in `place` where a path of the base leads: its links are from its own root.
follow() {
    rest=$1 place='' left=40
    while [ -n "$rest" ]; do
        part=${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
        case $part in
            '' | .) continue ;;
            ..) place=${place%/*} && continue ;;
        esac
        if [ -L "$runtime$place/$part" ] && [ "$left" -gt 0 ]; then
            left=$((left - 1))
            link=$(readlink "$runtime$place/$part")
            case $link in /*) place= ;; esac
            rest=$link/$rest
        else
            place=$place/$part
        fi
    done
}

# The first folder of the tree that is a link in the base, or lies behind one there, as the tree has it by now.
first_linked() {
    find "$out" -mindepth 1 -type d | sort | while IFS= read -r folder; do
        follow "${folder#"$out"}"
        [ "$place" = "${folder#"$out"}" ] || { echo "$folder"; break; }
    done
}

# A folder that is on the way to something has the usual mode and owner; one that is asked for, as a volume is, has its own.
keep_modes() {
    find "$out" -mindepth 1 -type d -user 0 -group 0 -perm 755 | while IFS= read -r folder; do
        of_base=$runtime${folder#"$out"}
        [ -d "$of_base" ] || continue
        chmod --reference="$of_base" "$folder"
        chown --reference="$of_base" "$folder"
    done
}

while folder=$(first_linked) && [ -n "$folder" ]; do
    follow "${folder#"$out"}"
    # A folder that is there has its own mode and owner, such as /tmp.
    if ! [ -d "$out$place" ]; then
        like=$folder
        [ ! -d "$runtime$place" ] || like=$runtime$place
        mkdir -p "$out$place"
        chmod --reference="$like" "$out$place"
        chown --reference="$like" "$out$place"
    fi
    find "$folder" -mindepth 1 -maxdepth 1 -exec cp -a {} "$out$place/" ';'
    rm -rf "$folder"
    while [ -n "$place" ]; do
        touch --date=@0 "$out$place"
        place=${place%/*}
    done
    touch --date=@0 "${folder%/*}"
done
keep_modes
