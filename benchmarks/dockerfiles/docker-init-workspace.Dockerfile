# The way of `docker init`, for one program of a workspace.
FROM rustdocker-bench-rust AS build
WORKDIR /app
RUN --mount=type=bind,source=crates,target=crates \
    --mount=type=bind,source=Cargo.toml,target=Cargo.toml \
    --mount=type=bind,source=Cargo.lock,target=Cargo.lock \
    --mount=type=cache,target=/app/target \
    --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --locked --release --bin program0 && cp target/release/program0 /bin/server

FROM rustdocker-bench-runtime
RUN useradd --no-create-home --uid 10001 appuser
USER appuser
COPY --from=build /bin/server /bin/
CMD ["/bin/server"]
