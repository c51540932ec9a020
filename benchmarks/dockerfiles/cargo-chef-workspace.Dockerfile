# As cargo-chef's own documentation has it, for one program of a workspace.
FROM rustdocker-bench-rust AS chef
WORKDIR /app

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json --bin program0

FROM chef AS build
COPY --from=plan /app/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json --bin program0
COPY . .
RUN cargo build --release --bin program0

FROM rustdocker-bench-runtime
WORKDIR /app
COPY --from=build /app/target/release/program0 .
ENTRYPOINT ["./program0"]
