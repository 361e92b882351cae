-- What was heard on the topics and can be read again from there: fact is the record as it stands there.

create table generation (
    id         text primary key,
    request_id text        not null,
    checkpoint text        not null,
    fact       text        not null,
    at         timestamptz not null
);

create index generation_of_request on generation (request_id);
create index generation_of_checkpoint on generation (checkpoint, at);

create table checkpoint (
    id   text primary key,
    fact text        not null,
    at   timestamptz not null
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

create table annotator (
    id         text primary key,
    created_at timestamptz not null
);

create table prompt (
    id         text primary key,
    text       text        not null,
    created_at timestamptz not null
);

-- Two generations of one prompt, shown as A and B.
create table comparison (
    id           text primary key,
    prompt       text        not null references prompt (id),
    generation_a text        not null,
    generation_b text        not null,
    created_at   timestamptz not null
);

-- Every vote, a changed one too; supersedes names the vote that it replaces.
create table vote (
    id         text primary key,
    comparison text        not null references comparison (id),
    annotator  text        not null references annotator (id),
    choice     text        not null check (choice in ('a', 'b', 'tie', 'both_bad', 'skip', 'flag')),
    comment    text,
    supersedes text references vote (id),
    created_at timestamptz not null
);

create index vote_of_comparison on vote (comparison, annotator);
-- One vote of a person on a comparison, and one replacement of a vote.
create unique index vote_first on vote (comparison, annotator) where supersedes is null;
create unique index vote_superseded on vote (supersedes) where supersedes is not null;

-- Records to be published, in order; announced_at is null until Kafka has acknowledged one.
create table outbox (
    position     bigint generated always as identity primary key,
    topic        text        not null check (topic in ('generation-requests', 'preferences')),
    key          text        not null,
    fact         text        not null,
    created_at   timestamptz not null,
    announced_at timestamptz
);

create index outbox_to_announce on outbox (position) where announced_at is null;
