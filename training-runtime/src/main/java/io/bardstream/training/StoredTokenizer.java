package io.bardstream.training;

import io.bardstream.event.EventJson;
import io.bardstream.event.TokenizerPublished;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;

/** A tokenizer, complete. */
@Entity
@Table(name = "tokenizer")
public class StoredTokenizer extends PanacheEntityBase {
    @Id
    public String id;

    public String published;

    public StoredTokenizer() {}

    StoredTokenizer(TokenizerPublished tokenizer) {
        id = tokenizer.id();
        published = new String(EventJson.write(tokenizer), StandardCharsets.UTF_8);
    }

    public TokenizerPublished tokenizer() {
        return EventJson.read(published.getBytes(StandardCharsets.UTF_8), TokenizerPublished.class);
    }
}
