#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Bring a mirror of the sources to the state of a list, so that cargo, run in the mirror, compiles what it has to.
#
#   mirror.sh LIST FOLDERS CONTEXT SOURCES PROJECT GIT TARGET [built | again]
#
# With `built` it notes, after a build that succeeded, which sources of the list build scripts have written over; those that it then
# leaves so are named in the state's `left`. With `again` it leaves none.
# LIST is the file beside this script that holds the sources' digests, or - to make it of what CONTEXT, the folder
# of the build context, brings. FOLDERS is a file beside this script as well, with the folders of the packages that cargo may
# compile (. is the root), or - for all that have a manifest. SOURCES is the mirror, PROJECT the folder in it where cargo
# runs, and TARGET the target folder of all builds in it; mirror and target folder may outlive the build. GIT is where in
# CONTEXT the repository's own folder lies, or - if it is not sent. It exits with 75 if the context does not bring what is
# listed, and says what.
set -eu
export LC_ALL=C

list=$1 folders=$2 context=$3 sources=$4 project=$5 git=$6 target=$7
case $0 in */*) folder=${0%/*} ;; *) folder=. ;; esac
support=$(cd "$folder" && pwd)
state=$target/rustdocker
known=$state/sources
pending=$state/pending renewing=$state/renewing rewritten=$state/rewritten
# What tells calls of cargo apart; its first line in the file of what was rewritten.
call=call:${RUSTDOCKER_CALL:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Cargo writes it, and what compiles is not to depend on it.
case $project in .) lock=Cargo.lock ;; *) lock=$project/Cargo.lock ;; esac

# A row of a list: digest, mode (x or -), path, one space between them. Digests have 64 digits.
paths() { cut -c 68- "$@"; }

# Rows as sha256sum reads them; a path could be an option or standard input.
as_digests() { sed 's,^\(.\{64\}\) . ,\1  ./,'; }

# The paths that a check of sha256sum's found wrong. A line that begins with a backslash has each in the name twice.
failed_paths() { sed -n '/^\\/ { s/^.//; s/\\\\/\\/g; }; s,^\./\(.*\): FAILED.*$,\1,p'; }

wanted_rows() {
    if [ "$list" != - ]; then
        cat "$support/$list"
        return
    fi
    cd "$context"
    case $git in -) of_git=./. ;; *) of_git="./$git/*" ;; esac
    for mode in x -; do
        [ "$mode" = x ] && executable= || executable=!
        find -L . -type f $executable -perm /111 ! -path ".${support#"$context"}/*" ! -path "$of_git" -print0 \
            | xargs -0 -r sha256sum --zero | tr '\0' '\n' | sed "s,^\(.\{64\}\)  \./,\1 $mode ,"
    done
}

# The paths in the mirror that meet a condition of find's. The target folder may lie within.
inner_target=./.
case $target in "$sources"/*) inner_target=./${target#"$sources"/} ;; esac
mirrored() { (cd "$sources" && find . -mindepth 1 -path "$inner_target" -prune -o "$@" -printf '%P\n') | sort; }

# Bring the mirror to the state of the list. Cargo compares times, and a context brings old ones: what differs in
# content gets the time of now, everything else keeps the time at which this mirror first saw its content.
# What is yet to be renewed is noted before anything changes, so that a kill forgets nothing.
update_mirror() {
    start_state
    wanted_rows | sort > "$work/wanted"
    sort "$known" > "$work/known"
    drop_spoiled_rows
    comm -13 "$work/known" "$work/wanted" > "$work/changed"
    paths "$work/known" | sort > "$work/known-paths"
    paths "$work/wanted" | sort > "$work/wanted-paths"
    paths "$work/changed" > "$work/changed-paths"
    comm -23 "$work/known-paths" "$work/wanted-paths" > "$work/gone"
    note_new
    cat "$work/changed-paths" "$work/gone" >> "$pending"
    note_commit
    note_environment

    comm -12 "$work/known" "$work/wanted" > "$known.new"
    mv "$known.new" "$known"
    drop_vendored
    remove_files "$work/gone"
    find_renewal
    # A build script that is to run again makes what it makes; one that is gone or changed does not. Whose script made
    # what nobody knows: so all of them run again.
    cp "$work/rewritten" "$state/left"
    if [ -s "$work/renewed" ]; then
        restore_rewritten
        mirrored '(' ! -type d -o -empty ')' | comm -23 - "$work/wanted-paths" \
            | grep -v -x -F -e "$lock" > "$work/made" || true
        if [ -s "$work/made" ]; then
            echo "what scripts made" >> "$pending"
            remove_files "$work/made"
            echo . > "$work/renewed"
        fi
    fi
    if [ -s "$work/changed" ]; then
        copy_changed
        check_changed
    fi
    renew
    cp "$work/wanted" "$known.new"
    mv "$known.new" "$known"
    [ "$git" = - ] || cp "$work/git" "$state/git"
    [ ! -f "$work/environment" ] || cp "$work/environment" "$state/environment"
    # The packages of the layer's dependencies are like any others from now on.
    rm -f "$pending" "$renewing" "$state/whole"
}

# A file that is new or gone may be one that a build script makes too, though dep-info names it. What an interrupted
# update has noted is not new.
note_new() {
    sort -u "$pending" > "$work/noted"
    comm -13 "$work/known-paths" "$work/wanted-paths" | comm -23 - "$work/noted" | cat - "$work/gone" >> "$renewing"
}

# A commit, a branch and a tag are no files, and build scripts ask for them: another one is as if a file that is not Rust
# had changed.
note_commit() {
    [ "$git" != - ] || return 0
    for words in "rev-parse HEAD" "symbolic-ref HEAD" "describe --tags --always"; do
        # shellcheck disable=SC2086 # several words
        git --git-dir="$context/$git" $words || echo none
    done > "$work/git" 2> "$work/ignored"
    cmp -s "$work/git" "$state/git" || echo "the commit" >> "$pending"
}

# Build scripts and macros may read any variable, and cargo knows but those that somebody names. RUSTDOCKER_BUILD_ENV has
# the user's own for this build, NAME:DIGEST, with one space between them.
note_environment() {
    [ -n "${RUSTDOCKER_BUILD_ENV:-}" ] || [ -f "$state/environment" ] || return 0
    touch -a "$state/environment"
    echo "${RUSTDOCKER_BUILD_ENV:-}" | tr ' ' '\n' | sort > "$work/environment"
    sort "$work/environment" "$state/environment" | uniq -u | sed 's/:.*//' | sort -u > "$work/other-variables"
    [ -s "$work/other-variables" ] || return 0
    named_variables | sort -u > "$work/named-variables"
    comm -13 "$work/named-variables" "$work/other-variables" | sed 's/^/the variable /' >> "$pending"
    # One that is named in one place may be read unsaid in another, whose sources it stands in.
    comm -12 "$work/named-variables" "$work/other-variables" > "$work/compared-variables"
    [ -s "$work/compared-variables" ] || return 0
    mirrored -name '*.rs' -type f > "$work/rust"
    (cd "$sources" && xargs -d '\n' -r grep -s -l -w -F -f "$work/compared-variables" -- < "$work/rust") >> "$renewing" || true
}

# Run a command with cargo's dep-info files as further words, as often as that takes. Units have common folders, and since
# cargo 1.100 each one of its own: build/PACKAGE/HASH with `fingerprint`, `out` and `run` in it. Those of build scripts are none:
# cargo sees that a script is another one, and not that what the old one wrote into the sources is to go. A script that was run
# has its own files in `out`.
for_dep_infos() {
    {
        find "$target"/*/deps "$target"/*/*/deps -maxdepth 1 -name '*.d' -print0 2> "$work/ignored" || true
        for file in "$target"/*/build/*/*/out/*.d "$target"/*/*/build/*/*/out/*.d; do
            case $file in */build_script_*) continue ;; esac
            [ ! -e "$file" ] || [ -e "${file%/out/*}/run" ] || printf '%s\0' "$file"
        done
    } | xargs -0 -r "$@"
}

# The variables that cargo itself compares.
named_variables() {
    for_dep_infos sed -n 's/^# env-dep:\([^=]*\).*/\1/p'
    find "$target"/*/build/*/output "$target"/*/*/build/*/output "$target"/*/build/*/*/run/stdout \
        "$target"/*/*/build/*/*/run/stdout -exec sed -n 's/^cargo::\{0,1\}rerun-if-env-changed=//p' {} + \
        2> "$work/ignored" || true
}

# What cargo tells units of one package apart by.
hash='[0-9a-f]{16}'

# The folder nearest to a path among those that are an array's: / is the root, and . stands for the whole mirror.
nearest='function nearest(path, folders) {
    while (sub("/[^/]*$", "", path)) if (path in folders) return path
    return ("/" in folders) ? "/" : "."
}'

# Cargo never looks at the files of vendored crates again: one of another content is compiled anew.
drop_vendored() {
    sort -u "$pending" "$renewing" > "$work/noted"
    cat "$work/known-paths" "$work/wanted-paths" | sed -n 's,/\.cargo-checksum\.json$,,p' | sort -u > "$work/vendored"
    [ -s "$work/vendored" ] || return 0
    awk "$nearest"'
        FILENAME == ARGV[1] { folders[$0]; next }
        { folder = nearest($0, folders) } folder != "." && !(folder in printed) { print folder; printed[folder] }' \
        "$work/vendored" "$work/noted" > "$work/edited"
    while IFS= read -r edited; do
        # Of the package or of a target in it: a name too many costs no more than a compilation.
        names=$(cat "$sources/$edited/Cargo.toml" "$context/$edited/Cargo.toml" 2> "$work/ignored" | sed -n \
            "s/^[[:space:]]*[\"']\{0,1\}name[\"']\{0,1\}[[:space:]]*=[[:space:]]*[\"']\([A-Za-z0-9_-]*\)[\"'].*/\1/p" \
            | sort -u | paste -s -d '|')
        # What was compiled stays: an artefact less would be damage.
        find "$target" -maxdepth 6 -regextype posix-extended \
            -regex ".*/(\.fingerprint/(${names:-.*})-$hash|build/(${names:-.*})/$hash/fingerprint)" -prune -exec rm -rf {} +
    done < "$work/edited"
}

start_state() {
    touch "$work/now"
    if [ -n "$(find "$sources" "$target"/*/.fingerprint "$target"/*/*/.fingerprint "$target"/*/build/*/*/fingerprint \
        "$target"/*/*/build/*/*/fingerprint -newer "$work/now" -print -quit 2> "$work/ignored")" ]; then
        echo "rustdocker says: the clock was set back since the last build: compiling everything anew" >&2
        rm -rf "$target"
    fi
    # A list that this script did not write is none: what it names would be removed.
    if ! [ -f "$known" ] || grep -a -v -q '^[0-9a-f]\{64\} [x-] [^/]' "$known" \
        || grep -a -q '^.\{67\}\(.*/\)\?\.\.\(/\|$\)' "$known"; then
        rm -rf "$sources" "$target"
        mkdir -p "$sources" "$state"
        : > "$known"
    fi
    # A build that was killed leaves it; it is never a source.
    find "$sources" -path "$sources/${inner_target#./}" -prune -o -name .git -prune -exec rm -rf {} +
    touch -a "$pending" "$renewing"
}

# Find the sources that are there, and of those the ones that are not as they are known: a build script may have written over
# one, with whatever time.
find_differing() {
    mirrored -type f '(' -cnewer "$known" -fprintf "$work/written" '%P\n' -o -true ')' > "$work/there"
    touch -a "$rewritten"
    sed -n 's,^.\{64\}  \./,,p' "$rewritten" >> "$work/written"
    : > "$work/differing"
    [ -s "$work/written" ] || return 0
    awk 'FILENAME == ARGV[1] { written[$0]; next } substr($0, 68) in written' \
        "$work/written" "$known" | as_digests > "$work/digests"
    [ -s "$work/digests" ] || return 0
    (cd "$sources" && sha256sum --check --quiet "$work/digests" 2> "$work/ignored") | failed_paths | sort > "$work/failed" || true
    comm -12 "$work/failed" "$work/there" > "$work/differing"
}

# What differs, as sha256sum has it. Names that it has to quote are left out.
digests_of_differing() { (cd "$sources" && sed 's,^,./,' "$work/differing" | xargs -d '\n' -r sha256sum --) | grep -v '^\\' | sort; }

note_rewritten() {
    find_differing
    # Cargo completes it where it may.
    grep -v -x -F -e "$lock" "$work/differing" > "$work/by-scripts" || true
    mv "$work/by-scripts" "$work/differing"
    { echo "$call"; digests_of_differing || true; } > "$rewritten.new"
    mv "$rewritten.new" "$rewritten"
}

# A source that is gone, or was written over since the last build that succeeded, is to be as it is listed. What that build itself
# left otherwise, of sources that are still the same, is what its program was compiled of; another call of cargo's, with other
# features or for other programs, begins with what the user has.
drop_spoiled_rows() {
    find_differing
    : > "$work/as-left"
    [ "$(head -n 1 "$rewritten")" != "$call" ] || sed 1d "$rewritten" > "$work/as-left"
    digests_of_differing | comm -12 - "$work/as-left" | sed 's,^.\{64\}  \./,,' | sort > "$work/left" || true
    comm -12 "$work/known" "$work/wanted" | paths | sort | comm -12 - "$work/left" > "$work/rewritten"
    paths "$work/known" | sort | comm -23 - "$work/there" | cat - "$work/differing" | sort \
        | comm -23 - "$work/rewritten" > "$work/spoiled"
    [ -s "$work/spoiled" ] || return 0
    withdraw_rewritten
    awk 'FILENAME == ARGV[1] { spoiled[$0]; next } !(substr($0, 68) in spoiled)' \
        "$work/spoiled" "$work/known" > "$work/kept"
    mv "$work/kept" "$work/known"
    # Its script has to run again, whatever it says that it reads: as if a file that is not Rust had changed.
    sed 's,$, was written over,' "$work/spoiled" >> "$pending"
}

# From here on no call's scripts have left what they wrote: a kill may come before they run again.
withdraw_rewritten() {
    { echo none; sed 1d "$rewritten"; } > "$rewritten.new"
    mv "$rewritten.new" "$rewritten"
}

# Where a build script is to run again it is to find what the user has, and all of them run: whose work it was nobody knows.
restore_rewritten() {
    [ -s "$work/rewritten" ] || return 0
    sed 's,$, was written over,' "$work/rewritten" >> "$pending"
    withdraw_rewritten
    : > "$state/left"
    awk 'FILENAME == ARGV[1] { rewritten[$0]; next } substr($0, 68) in rewritten' \
        "$work/rewritten" "$work/wanted" >> "$work/changed"
    cat "$work/rewritten" >> "$work/changed-paths"
    echo . > "$work/renewed"
}

# Remove the files that another one names, and the folders that are empty then: one without a Cargo.toml that a
# workspace's pattern matches is an error of cargo's.
remove_files() {
    [ -s "$1" ] || return 0
    (cd "$sources" && sed 's,^,./,' "$1" | xargs -d '\n' -r rm -rf --)
    sed -n 's,^\(.*\)/[^/]*$,./\1,p' "$1" | sort -ru | (
        cd "$sources" && xargs -d '\n' -r rmdir -p --ignore-fail-on-non-empty -- 2> "$work/ignored"
    ) || true
}

copy_changed() {
    # What cannot be read is found by the check of the digests.
    tar --create --dereference --no-recursion --verbatim-files-from --no-unquote --mode=u=rwX,go=rX --owner=0 --group=0 \
        --directory="$context" --files-from="$work/changed-paths" 2> "$work/ignored" \
        | tar --extract --touch --directory="$sources"
    # Files that the context cannot bring, or brings in an old state, lie there under their digest.
    set -- "$support/contents"/*
    [ -e "$1" ] || return 0
    ls "$support/contents" > "$work/contents"
    awk 'FILENAME == ARGV[1] { there[$1]; next } $1 in there' "$work/contents" "$work/changed" > "$work/from-contents"
    while IFS= read -r row; do
        digest=$(printf %s "$row" | cut -c -64)
        mode=$(printf %s "$row" | cut -c 66)
        path=./$(printf %s "$row" | cut -c 68-)
        cd "$sources"
        mkdir -p "$(dirname "$path")"
        rm -rf "$path"
        cp "$support/contents/$digest" "$path"
        case $mode in x) chmod 755 "$path" ;; *) chmod 644 "$path" ;; esac
    done < "$work/from-contents"
}

# BuildKit takes a file of unchanged size and time for unchanged, and hands on an old one.
check_changed() {
    as_digests < "$work/changed" > "$work/digests"
    if ! (cd "$sources" && sha256sum --check --quiet --strict "$work/digests" > "$work/wrong" 2> "$work/ignored"); then
        failed_paths < "$work/wrong" | sed 's/^/rustdocker: not as listed: /' > "$work/report"
        # More than BuildKit lets through of a step's output.
        if [ "$(wc -l < "$work/report")" -gt 500 ]; then
            echo "rustdocker: not as listed: *" >&2
        else
            cat "$work/report" >&2
        fi
        exit 75
    fi
}

# Cargo sees a change of the Rust files that its dep-info names. It does not see what procedural macros and build
# scripts read: another Rust file or a manifest renews its package, any other file renews all packages.
find_renewal() {
    named_files | sort -u > "$work/named"
    sort -u "$pending" > "$work/noted"
    {
        comm -23 "$work/noted" "$work/named"
        comm -12 "$work/noted" "$work/named" | grep -v '\.rs$' || true
        cat "$renewing"
    } | grep -v -x -F -e "$lock" -e "$lock was written over" > "$work/unseen" || true
    # The manifest of a workspace without a package is everybody's.
    sed -n '/\(^\|\/\)Cargo\.toml$/ s,^,./,p' "$work/wanted-paths" > "$work/manifests"
    for place in "$sources" "$context"; do
        (cd "$place" && xargs -d '\n' -r grep -s -l '^[[:space:]]*\[[[:space:]]*package[[:space:]]*\]' < "$work/manifests") || true
    done | sed 's,^\./,,; s,^Cargo\.toml$,/,; s,/Cargo\.toml$,,' > "$work/with-manifest"
    # A template, or what a build script compiles, is no package, but what another may read.
    case $folders in
        -) cp "$work/with-manifest" "$work/packages" ;;
        *) sed 's,^\.$,/,' "$support/$folders" | cat - "$work/vendored" \
            | awk 'FILENAME == ARGV[1] { known[$0]; next } $0 in known' - "$work/with-manifest" > "$work/packages" ;;
    esac
    awk "$nearest"'
        FILENAME == ARGV[1] { packages[$0]; next }
        { print /\.rs$/ || /(^|\/)Cargo\.toml$/ ? nearest($0, packages) : "." }' \
        "$work/packages" "$work/unseen" | sort -u > "$work/renewed"
}

# The sources that dep-info names, from the mirror's root: it has the workspace's own from the workspace's folder, and
# whole paths of others.
named_files() {
    for_dep_infos cat | sed -n 's/:$//p' | sed 's/\\ / /g' \
        | SOURCES=$sources/ PROJECT=$project/ awk '
            BEGIN { sources = ENVIRON["SOURCES"]; project = ENVIRON["PROJECT"]; if (project == "./") project = "" }
            index($0, sources) == 1 { print substr($0, length(sources) + 1); next }
            !/^\// { print project $0 }'
}

renew() {
    [ -s "$work/renewed" ] || return 0
    mirrored -name '*.rs' -type f > "$work/rust"
    find_spared > "$work/spared"
    awk "$nearest"'
        FILENAME == ARGV[1] { packages[$0]; next }
        FILENAME == ARGV[2] { renewed[$0]; next }
        FILENAME == ARGV[3] { spared[$0]; next }
        { folder = nearest($0, packages) }
        folder in renewed || "." in renewed && !(folder in spared) { print "./" $0 }' \
        "$work/packages" "$work/renewed" "$work/spared" "$work/rust" | (cd "$sources" && xargs -d '\n' -r touch --)
}

# The folders of packages that the dependencies' layer holds as they are: it has compiled them without what is new to this mirror,
# and so they do without it, but where it lies among their own.
find_spared() {
    [ -s "$state/whole" ] || return 0
    awk "$nearest"'
        FILENAME == ARGV[1] { packages[$0]; next }
        FILENAME == ARGV[2] { changed[nearest($0, packages)]; next }
        !($0 in changed)' "$work/packages" "$work/noted" "$state/whole"
}

case ${8:-} in built) note_rewritten ;; again) withdraw_rewritten && update_mirror ;; *) update_mirror ;; esac
