# As cargo-chef's own documentation has it.
FROM rustdocker-bench-rust AS chef
WORKDIR /app

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /app/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json
COPY . .
RUN cargo build --release --bin my-rust-app

FROM rustdocker-bench-runtime
WORKDIR /app
COPY --from=build /app/target/release/my-rust-app .
ENTRYPOINT ["./my-rust-app"]
