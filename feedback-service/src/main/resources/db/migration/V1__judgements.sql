-- What was heard on the topics and can be read again from there: fact is the record as it stands there.

create table generation (
    id         text primary key,
    request_id text        not null,
    prompt     text        not null, -- id of the prompt's text, whether or not it stands in the table of prompts
    checkpoint text        not null,
    http       boolean     not null, -- asked for over HTTP, so kept for a time only
    fact       text        not null,
    at         timestamptz not null
);

create index generation_of_request on generation (request_id);
create index generation_of_prompt on generation (prompt);
create index generation_over_http on generation (at) where http;
create index generation_of_checkpoint on generation (checkpoint, at);

create table checkpoint (
    id    text primary key,
    stage text        not null,
    fact  text        not null,
    at    timestamptz not null
);

-- A promotion has no id of its own; its place on the topic is one.
create table promotion (
    topic_offset bigint primary key,
    model        text        not null,
    checkpoint   text        not null,
    fact         text        not null,
    at           timestamptz not null
);

create table score (
    generation_id text             not null,
    reward_model  text             not null,
    value         double precision not null,
    at            timestamptz      not null,
    primary key (generation_id, reward_model)
);

-- What people give. It stands nowhere else until it is announced.

-- A handle of the person's own choice; nothing else is asked.
create table annotator (
    id         text primary key,
    created_at timestamptz not null,
    last_seen  timestamptz not null
);

create table prompt (
    id         text primary key, -- hash of the text
    text       text        not null,
    origin     text        not null check (origin in ('BUNDLED', 'PERSON')),
    created_at timestamptz not null,
    asked_at   timestamptz -- when the pool last asked for texts after it
);

-- What the pool asked inference for. ASKED: no answer yet; PAIRED; EQUAL: twice the same text; LOST: no answer in time;
-- CANCELLED: its prompt was erased.
create table generation_request (
    id         text primary key,
    prompt     text        not null,
    attempt    integer     not null,
    state      text        not null check (state in ('ASKED', 'PAIRED', 'EQUAL', 'LOST', 'CANCELLED')),
    asked_at   timestamptz not null,
    settled_at timestamptz
);

create index generation_request_in_flight on generation_request (asked_at) where state = 'ASKED';
create index generation_request_settled on generation_request (settled_at);
create index generation_request_of_prompt on generation_request (prompt);

-- Two texts after one prompt, in the order in which they came; who sees which as A is decided for each annotator.
-- texts holds all three as JSON: PostgreSQL's text holds no NUL, a generation may. A pair from outside has no generations.
create table comparison (
    id                text primary key,
    origin            text        not null check (origin in ('POOL', 'CORRECTION', 'IMPORT')),
    prompt            text        not null, -- id of the prompt's text
    format            text check (format in ('RAW', 'CHAT')), -- how models were given the prompt; null: not known
    texts             text        not null,
    first_generation  text,
    second_generation text,
    first_checkpoint  text,
    second_checkpoint text,
    state             text        not null check (state in ('OPEN', 'JUDGED', 'FLAGGED', 'SKIPPED', 'WITHDRAWN')),
    annotators        integer     not null, -- how many people are asked
    judgements        integer     not null, -- current votes that say a, b, tie or both_bad
    created_at        timestamptz not null
);

create index comparison_open on comparison (created_at) where state = 'OPEN';
create index comparison_of_prompt on comparison (prompt);
create index comparison_of_first_generation on comparison (first_generation);
create index comparison_of_second_generation on comparison (second_generation);

-- Who was handed which pair, and until when nobody else is.
create table assignment (
    comparison text        not null references comparison (id) on delete cascade,
    annotator  text        not null references annotator (id) on delete cascade,
    served_at  timestamptz not null,
    expires_at timestamptz not null,
    primary key (comparison, annotator)
);

create index assignment_of_annotator on assignment (annotator, served_at);

-- Every vote, a changed one too; supersedes names the vote that it replaces, current is the last of such a chain.
create table vote (
    id         text primary key,
    comparison text        not null references comparison (id),
    annotator  text        not null references annotator (id),
    choice     text        not null check (choice in ('A', 'B', 'TIE', 'BOTH_BAD', 'SKIP', 'FLAG')),
    swapped    boolean     not null, -- whether A was the second text
    comment    text,
    supersedes text references vote (id),
    current    boolean     not null,
    undone     boolean     not null, -- a skip that only takes the vote before back
    seconds    double precision,     -- from being handed out, or from the annotator's vote before, to the vote
    created_at timestamptz not null
);

-- One current vote of a person on a comparison, one first one, and one replacement of a vote.
create unique index vote_current on vote (comparison, annotator) where current;
create unique index vote_first on vote (comparison, annotator) where supersedes is null;
create unique index vote_superseded on vote (supersedes) where supersedes is not null;
create index vote_of_annotator on vote (annotator, created_at);
create index vote_at on vote (created_at, id) where current;

-- What people think of one text that was served; the words of the text stand in generation, as long as that is kept.
create table thumb (
    generation text        not null,
    annotator  text        not null references annotator (id) on delete cascade,
    up         boolean     not null,
    comment    text,
    at         timestamptz not null,
    primary key (generation, annotator)
);

-- Records to be published, in order; announced_at is null until Kafka has acknowledged one.
create table outbox (
    position     bigint generated always as identity primary key,
    topic        text        not null check (topic in ('generation-requests', 'preferences', 'generations')),
    key          text        not null,
    fact         text, -- null is a tombstone, and what was announced
    created_at   timestamptz not null,
    announced_at timestamptz
);

create index outbox_to_announce on outbox (position) where announced_at is null;
