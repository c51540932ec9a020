#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# What the scripts that compile the user's sources share; read by them, when they have `support`, `list`, `folders`, `mirror`, `sources`,
# `project`, `git` and `target`.

state=$target/rustdocker
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Size and place of what cargo made, for the next build. A file that was cut short since would end it in an error of the
# compiler's that only an empty target folder mends. While cargo runs there is no such list: a kill is none of its matters.
artefacts() {
    (cd "$target" && find . -type f '(' -path '*/deps/*' \
        -o -path '*/build/*' '(' -name 'build[-_]script[-_]*' -o -name '*.a' -o -name '*.rs' -o -name '*.rlib' -o -name '*.rmeta' \
        -o -name '*.so' ')' -o -path '*/build/*/????????????????/out/*' -perm -100 ')' -printf '%s %P\n' | sort)
}
check_artefacts() {
    [ -f "$state/artefacts" ] || return 0
    artefacts | comm -23 "$state/artefacts" - > "$work/damaged"
    rm "$state/artefacts"
    [ -s "$work/damaged" ] || return 0
    say "what was compiled before is damaged ($(head -n 1 "$work/damaged" | cut -d ' ' -f 2-)): compiling everything anew"
    find "$target" -mindepth 1 -maxdepth 1 ! -name rustdocker -exec rm -rf {} +
}

# Whether no message of cargo names a unit that has a folder of its own: an example, or a library for C.
is_unnamed() {
    for unit in "$target"/*/build/*/"$1" "$target"/*/*/build/*/"$1"; do
        for mark in "$unit"/fingerprint/example-*.json "$unit"/fingerprint/dep-lib-*; do
            case $mark in
                *'*'*) ;;
                */dep-lib-*) [ -n "$(find "$unit/out" -maxdepth 1 -name "*-$1.*" -print -quit 2> "$work/ignored")" ] || return 0 ;;
                *) return 0 ;;
            esac
        done
    done
    return 1
}

# What none of the last builds of the same programs used is removed, so that the mount stays bounded; and what those of programs
# used that nobody has built for a month. A unit's hash ends the names of its
# files and folders, or since cargo 1.100 is the name of its folder; that of a binary is not in cargo's messages, and of those the
# youngest stay, as many for each program.
# What each used stands in a list of its own, which is called by its programs, or `all`, and a number that is one more than
# that of the build before.
kept_builds=10
kept_days=30
kept_lists=200
sweep() {
    build=1 programs=all
    [ ! -s "$work/names" ] || programs=$(sort "$work/names" | sha256sum | cut -c -8)
    for used in "$state/used-$programs"-*; do
        [ ! -e "$used" ] || [ "${used##*-}" -lt "$build" ] || build=$((${used##*-} + 1))
    done
    if ! grep -q '"reason":"compiler-artifact".*"fresh":false' "$work/messages"; then
        [ "$build" = 1 ] || touch "$state/used-$programs"-*
        return 0
    fi
    grep -o -e '[-/][0-9a-f]\{16\}[./"]' "$work/messages" | cut -c 2-17 | sort -u > "$state/used-$programs-$build"
    rm -f "$state/used-$programs-$((build - kept_builds))"
    find "$state" -maxdepth 1 -name 'used-*' -mtime "+$kept_days" -delete
    # Any choice of programs has lists of its own.
    find "$state" -maxdepth 1 -name 'used-*' -printf '%T@ %p\n' | sort -rn | tail -n "+$((kept_lists + 1))" | cut -d ' ' -f 2- \
        | xargs -d '\n' -r rm -f --
    oldest=$state/used-$programs-$((build - kept_builds + 1))
    lists=$(find "$state" -maxdepth 1 -name 'used-*' | wc -l)
    [ "$lists" -ge "$kept_builds" ] || lists=$kept_builds
    most=$(cat "$state/count" 2> "$work/ignored" || echo "$count")
    [ "$most" -ge "$count" ] || most=$count
    echo "$most" > "$state/count"
    find "$target"/*/.fingerprint/* "$target"/*/*/.fingerprint/* "$target"/*/build/*/*/fingerprint \
        "$target"/*/*/build/*/*/fingerprint -maxdepth 1 -name 'bin-*.json' -printf '%T@ %h\n' 2> "$work/ignored" \
        | sort -rn | head -n "$((lists * most))" | sed 's,/fingerprint$,,; s,.*[-/],,' > "$work/binaries" || true
    sort -u "$work/binaries" "$state"/used-* > "$work/used"
    find "$target"/*/.fingerprint/* "$target"/*/*/.fingerprint/* "$target"/*/build/*/* "$target"/*/*/build/*/* -maxdepth 0 \
        2> "$work/ignored" | sed -n 's,.*[-/]\([0-9a-f]\{16\}\)$,\1,p' | sort -u | comm -23 - "$work/used" > "$work/unused" || true
    while IFS= read -r hash; do
        ! is_unnamed "$hash" || continue
        # A library for C has no hash in its names, and so is in no message by it.
        set -- "$target"/*/deps/*-"$hash"* "$target"/*/*/deps/*-"$hash"* \
            "$target"/*/build/*-"$hash" "$target"/*/*/build/*-"$hash" \
            "$target"/*/build/*/"$hash" "$target"/*/*/build/*/"$hash"
        has_artefacts=
        for artefact; do [ ! -e "$artefact" ] || has_artefacts=1; done
        [ -n "$has_artefacts" ] || continue
        rm -rf "$target"/*/.fingerprint/*-"$hash" "$target"/*/*/.fingerprint/*-"$hash"
        rm -rf "$@"
    done < "$work/unused"
    # What the compiler keeps to go on from, in profiles for development.
    [ ! -f "$oldest" ] || find "$target"/*/incremental "$target"/*/*/incremental -mindepth 1 -maxdepth 1 \
        ! -newer "$oldest" -exec rm -rf {} + 2> "$work/ignored" || true
}

# Git is to tell here what it tells the user: of the repository's folder only the index is another one, in which files that
# were not sent are no deletions, and links, which are sent as what they lead to, are no changes. What the user himself
# deleted is none either, and what a filter or the end of lines changes on his disk is one.
place_git() {
    mkdir -p "$sources/$git"
    mkdir -p "$state/repository"
    for seen in "$state/repository"/*; do
        [ -f "/context/$git/${seen##*/}" ] || rm -f "$seen"
    done
    for each in "/context/$git"/*; do
        if [ -d "$each" ]; then
            ln -s "$each" "$sources/$git/"
        else
            # Build scripts name HEAD to cargo: as a source has, it has the time at which its content was first seen here.
            seen=$state/repository/${each##*/}
            cmp -s "$each" "$seen" || cp "$each" "$seen"
            cp -p "$seen" "$sources/$git/"
        fi
    done
    printf '[core]\n\tbare = false\n\tfileMode = false\n[advice]\n\tsparseIndexExpanded = false\n' > "$sources/$git/config"
    cd "$sources/$git/.."
    # A file with a conflict cannot be marked, and is a change to git anyway.
    { git ls-files -z --deleted; git ls-files -z --stage | sed -z -n 's/^120000 [0-9a-f]* 0\t//p'; } \
        | git update-index -z --skip-worktree --stdin 2> "$work/ignored" || true
    [ ! -e "$state/repository/index" ] || touch -c -r "$state/repository/index" "$sources/$git/index"
}

# Bring the mirror to the state of the list, for cargo to run in it.
#
#   begin CARGO_ARGUMENT...
begin() {
    # What build scripts wrote for one call of cargo is none of another's.
    call=$({ printf '%s\n' "$@" "${RUSTDOCKER_BUILD_ENV:-}"; cat "$work/names" 2> "$work/ignored" || true; } | sha256sum | cut -c -64)
    update
}

#   update [again]
update() {
    RUSTDOCKER_CALL=$call sh "$support/$mirror" "$list" "$folders" /context "$sources" "$project" "$git" "$target" "$@"
    if [ "$git" != - ]; then
        trap 'rm -rf "$work" "$sources/$git"' EXIT
        rm -rf "${sources:?}/$git"
        (place_git)
    fi
    if [ "$list" != - ]; then
        # The tool reads along, and shows cargo's counter in place of its bar.
        export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80
    fi
}

# Run cargo in the mirror. A build script that cargo ran, where what one wrote over a source was left, is to find what the user
# has, and may not write it again: so all run once more.
#
#   call_cargo COMMAND CARGO_ARGUMENT...
call_cargo() {
    run_cargo "$work/messages" "$target" "$sources/$project" "$@"
    [ -s "$state/left" ] || return 0
    scripts=$(find "$target"/*/build/*/output "$target"/*/*/build/*/output "$target"/*/build/*/*/run/stdout \
        "$target"/*/*/build/*/*/run/stdout -newer "$state/sources" -print -quit 2> "$work/ignored") || true
    [ -n "$scripts" ] || return 0
    update again
    run_cargo "$work/messages" "$target" "$sources/$project" "$@"
}

# Note which sources build scripts have written over: most write over none.
note_rewritten() {
    if [ -s "$state/rewritten" ] || [ -n "$(find "$sources" -path "$target" -prune -o \
        -type f -cnewer "$state/sources" -print -quit)" ]; then
        RUSTDOCKER_CALL=$call sh "$support/$mirror" "$list" "$folders" /context "$sources" "$project" - "$target" built
    fi
}

# Note what was compiled.
finish() {
    artefacts > "$state/artefacts"
    [ "$git" = - ] || rm -rf "${sources:?}/$git"
    # In a layer, of an image or for other machines, it is for nobody.
    [ "$(stat -c %d "$state")" != "$(stat -c %d /)" ] || rm -rf "$state/repository"
}
