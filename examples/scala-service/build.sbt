// The base image has this Scala version's compiler at hand, so that a build needs no network.
ThisBuild / scalaVersion := sys.env.getOrElse("SCALA_VERSION", sys.error("SCALA_VERSION is not set: build in base-build-sbt"))

lazy val stage = taskKey[File]("The jar and everything that it needs, in target/stage")

lazy val service = (project in file("."))
  .settings(
    name := "service",
    stage := {
      val target = baseDirectory.value / "target" / "stage"
      IO.delete(target)
      val jars = (Compile / packageBin).value +: (Runtime / managedClasspath).value.files
      IO.copy(jars.map(jar => jar -> target / jar.getName))
      target
    },
  )
