// What the image's first build compiles; the version is vars.sh's.
name := Names.project
scalaVersion := sys.props("scalaVersion")
