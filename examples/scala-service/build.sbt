// The base image has this version's compiler at hand (SCALA_VERSION in vars.sh), so that a build needs no network.
ThisBuild / scalaVersion := "3.3.7"

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
