// A definition in Scala, so that the bridge to sbt's own compiler is compiled too.
object Names { val project = "first" }
