#!/bin/sh
# Make the musl standard library for Debian's Rust: rustup has one, Debian packages none.
# Needs rust-src and musl-tools. `self-contained` is what rustup's own target brings for linking.
set -eu
triple=x86_64-unknown-linux-musl
musl=/usr/lib/x86_64-linux-musl
gcc=$(dirname "$(gcc -print-libgcc-file-name)")
library=$(rustc --print sysroot)/lib/rustlib/$triple/lib
work=$(mktemp -d)
cd "$work"
mkdir -p src "$library/self-contained"

printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n' > Cargo.toml
: > src/lib.rs
RUSTC_BOOTSTRAP=1 CARGO_HOME=$work/cargo cargo build --quiet --release --target $triple \
    -Zbuild-std=std,panic_unwind,panic_abort,test,proc_macro
rm target/$triple/release/deps/libempty-*
cp target/$triple/release/deps/lib*.rlib "$library"

cp $musl/crt1.o $musl/crti.o $musl/crtn.o $musl/Scrt1.o $musl/rcrt1.o $musl/libc.a "$library/self-contained"
cp "$gcc"/crtbegin*.o "$gcc"/crtend*.o "$library/self-contained"
# gcc's unwinder asks glibc for the tables of a program counter; in a musl program nobody answers, and a panic aborts.
cat > find_object.c << 'END'
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>

struct dl_find_object {
    unsigned long long flags;
    void *map_start, *map_end, *link_map, *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) pc;
    struct dl_find_object *result;
};

static int visit(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    int found = 0;
    void *eh_frame = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        ElfW(Addr) start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_GNU_EH_FRAME) eh_frame = (void *)start;
        if (header->p_type == PT_LOAD && search->pc >= start && search->pc < start + header->p_memsz) {
            found = 1;
            search->result->map_start = (void *)start;
            search->result->map_end = (void *)(start + header->p_memsz);
        }
    }
    if (!found || eh_frame == NULL) return 0;
    search->result->eh_frame = eh_frame;
    return 1;
}

int _dl_find_object(void *pc, struct dl_find_object *result) {
    struct search search = {(ElfW(Addr))pc, result};
    *result = (struct dl_find_object){0};
    return dl_iterate_phdr(visit, &search) == 1 ? 0 : -1;
}
END
musl-gcc -O2 -c find_object.c
cp "$gcc/libgcc_eh.a" "$library/self-contained/libunwind.a"
ar r "$library/self-contained/libunwind.a" find_object.o

cd /
rm -rf "$work"
