package io.bardstream.trainer;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.training.CheckpointsResource.CheckpointView;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.Map;

/** Weights that were trained elsewhere become a checkpoint. */
@Path("/v1/checkpoints")
@Blocking
public class ImportResource {
    private final CheckpointImport imports;

    ImportResource(CheckpointImport imports) {
        this.imports = imports;
    }

    /**
     * @param path a Hugging Face GPT-2 folder on the service's machine, absolute
     * @param name what the checkpoint is called; the folder's name by default
     * @param dataset id of the dataset that was trained on, where it is one of ours
     */
    public record ImportRequest(
            String path,
            String name,
            String dataset,
            @JsonAnySetter Map<String, Object> unknown) {}

    /** 201 with the checkpoint, or 200 where the same folder was imported before. */
    @POST
    @Path("/import")
    public Response run(ImportRequest asked) throws IOException {
        ApiException.required(asked);
        if (asked.unknown() != null && !asked.unknown().isEmpty()) {
            throw new InvalidFieldException(
                    asked.unknown().keySet().iterator().next(), "is not a field; there are path, name and dataset");
        }
        CheckpointImport.Imported imported = imports.run(asked.path(), asked.name(), asked.dataset());
        return Response.status(imported.isNew() ? 201 : 200)
                .entity(CheckpointView.of(imported.checkpoint()))
                .build();
    }
}
