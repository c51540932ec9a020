# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.

FROM rust:1-slim-trixie AS rustdocker-files
USER 0:0
RUN \
    --mount=type=bind,source=target/rustdocker/context/files-0,target=/files \
    --mount=type=bind,source=target/rustdocker/context/fit-0,target=/fit \
    --mount=type=bind,source=target/rustdocker/context/files-0.tar,target=/files.tar \
    ["sh", "/files", "/rustdocker/out", ""]

FROM rust:1-slim-trixie AS rustdocker-build
USER 0:0
ENV CARGO_HOME="/rustdocker/cargo-home"
RUN \
    --mount=type=bind,target=/context \
    --mount=type=cache,id=rustdocker-cargo-home,target=/rustdocker/cargo-home,sharing=shared \
    --mount=type=cache,id=rustdocker-0,target=/rustdocker/kept,sharing=locked \
    --mount=type=secret,id=ca-bundle \
    --mount=type=secret,id=proxies \
    ["sh", "/context/target/rustdocker/context/compile-0", "sources-0", "package-folders-0", "/rustdocker/kept/sources", ".", "-", "/rustdocker/kept/target", "dynamic", "mirror-0", "cargo-0", "kept-0", "assemble-0", "fit-0", "/rustdocker/out", "", "1", "my-rust-app=my-rust-app", "--manifest-path=/rustdocker/kept/sources/Cargo.toml", "--bin=my-rust-app", "--profile=release", "--locked"]

FROM scratch
COPY --from=rustdocker-files /rustdocker/out/ /
COPY --from=rustdocker-build /rustdocker/out/my-rust-app/ /
ENV PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt"
EXPOSE 8080/tcp
LABEL "org.opencontainers.image.title"="my-rust-app" \
    "org.opencontainers.image.version"="0.1.0" \
    "org.opencontainers.image.description"="A small web service, as an example of what an image of a real program needs" \
    "org.opencontainers.image.licenses"="MIT OR Apache-2.0"
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/my-rust-app"]
