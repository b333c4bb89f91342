// Runs a declarative Jenkinsfile on this machine: `groovy jenkins.groovy FILE`, in the workspace. It knows the part of
// the language that ci/Jenkinsfile uses; anything else is an error, as a misspelt step is in Jenkins.

import groovy.io.FileType
import java.nio.file.FileSystems

class Variables {
    Map<String, String> values
    def propertyMissing(String name) { values[name] }
}

class Job {
    Map<String, String> environ = new HashMap(System.getenv())
    List<String> delivered = []
    int code = 0

    // A block of the file whose names are these methods and nothing else.
    def block(Closure body, Object names) {
        body.delegate = names
        body.resolveStrategy = Closure.DELEGATE_ONLY
        body()
    }

    int shell(String script) {
        // As Jenkins does it.
        def file = File.createTempFile('step', '.sh')
        file.text = '#!/bin/sh -xe\n' + script
        file.executable = true
        def builder = new ProcessBuilder(file.path).inheritIO()
        builder.environment().clear()
        builder.environment().putAll(environ)
        def code = builder.start().waitFor()
        file.delete()
        code
    }
}

class Environment {
    Job job
    Variables env
    void setProperty(String name, Object value) {
        if (!(value instanceof CharSequence) || value.toString().isEmpty()) throw new Exception("$name is no text")
        job.environ[name] = value.toString()
    }
    def getProperty(String name) {
        if (name == 'env') return this.@env
        throw new MissingPropertyException(name)
    }
}

class Options {
    def timeout(Map limit) { assert limit.time > 0 && limit.unit in ['SECONDS', 'MINUTES', 'HOURS'] }
}

class Steps {
    Job job
    def sh(String script) {
        job.code = job.shell(script)
        if (job.code != 0) throw new StepFailed()
    }
}

class StepFailed extends Exception {}

class Stage {
    Job job
    def steps(Closure body) { job.block(body, new Steps(job: job)) }
}

class Stages {
    Job job
    def stage(String name, Closure body) {
        println "stage $name"
        job.block(body, new Stage(job: job))
    }
}

class Delivery {
    Job job
    def junit(Map arguments) { deliver('junit', arguments.testResults, arguments.allowEmptyResults, arguments) }
    def archiveArtifacts(Map arguments) { deliver('archive', arguments.artifacts, arguments.allowEmptyArchive, arguments) }

    private deliver(String step, String pattern, Boolean mayBeEmpty, Map arguments) {
        assert arguments.size() == 2
        def here = new File('.').canonicalFile.toPath()
        def fits = FileSystems.default.getPathMatcher('glob:' + pattern)
        def found = []
        here.toFile().eachFileRecurse(FileType.FILES) { if (fits.matches(here.relativize(it.toPath()))) found << it }
        if (found.isEmpty() && !mayBeEmpty) throw new Exception("$step finds nothing at $pattern")
        found.each { println "$step: $it" }
    }
}

class Post {
    Job job
    def always(Closure body) { job.block(body, new Delivery(job: job)) }
}

class Pipeline {
    Job job
    static final Object any = 'any'
    def agent(Object where) { assert where == 'any' }
    def options(Closure body) { job.block(body, new Options()) }
    def environment(Closure body) { job.block(body, new Environment(job: job, env: new Variables(values: job.environ))) }
    def stages(Closure body) {
        try {
            job.block(body, new Stages(job: job))
        } catch (StepFailed failed) {
            println "a step ended with ${job.code}"
        }
    }
    def post(Closure body) { job.block(body, new Post(job: job)) }
}

abstract class DeclarativeFile extends Script {
    def pipeline(Closure body) { binding.job.block(body, new Pipeline(job: binding.job)) }
}

def job = new Job()
def settings = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: DeclarativeFile.name)
new GroovyShell(this.class.classLoader, new Binding(job: job), settings).evaluate(new File(args[0]))
System.exit(job.code)
