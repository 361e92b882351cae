package io.bardstream.launcher;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** What the script does once after a build, so that the first start need not: unpacks libtorch and PostgreSQL. */
@Command(name = "prepare", hidden = true)
final class Prepare implements Callable<Integer> {
    @Override
    public Integer call() {
        Installation installation = Installation.current();
        Torch.prepare(installation);
        io.bardstream.embedded.EmbeddedPostgres.unpack(installation.postgresBinaries());
        return 0;
    }
}
