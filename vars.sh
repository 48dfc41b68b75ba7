# shellcheck shell=bash disable=SC2034  # data only: sourced by the scripts, which use the variables
# What is built and under which name. Data only: no commands, no side effects.
# A variable set in the environment wins where the line says so.

VERSION=0.1.0                      # of the wrapper (Cargo.toml) and of every image
IMAGE_PREFIX=${IMAGE_PREFIX-}      # in front of each image name, such as registry.example.com/team/
SUITE=trixie                       # Debian 13
APP_USER=app                       # the runtime images' USER; its group is 0, as for any arbitrary uid
APP_UID=65532
SOURCE_URL=${SOURCE_URL-}          # for the label org.opencontainers.image.source
RELEASE_BRANCH=master              # a version is published from this branch only

# What base-build-sbt holds, fetched by its Maven coordinates (org.scala-sbt:sbt-launch) and compared with the digest here.
SBT_VERSION=1.11.7
SBT_LAUNCH_SHA256=f92a2095ac75008764fe3b2b793ffe624c4fbef5bfd9b0022e4bc2daf668c651
SCALA_VERSION=3.3.7                # the one that a first build finds there

# Each stage as name:parent, parents first. The image of a stage is ${IMAGE_PREFIX}base-NAME:${VERSION}.
STAGES=(
    root:scratch
    build:root
    build-sbt:build
    runtime:root
    runtime-jre:runtime
)
