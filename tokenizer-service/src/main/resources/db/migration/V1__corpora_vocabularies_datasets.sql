-- Corpora that were taken in; a text itself lies in home/corpora/<sha256>.txt, conversations in <sha256>.jsonl. Entries,
-- skipped and problems are of instructions only.
create table corpus (
    id         text primary key,
    name       text        not null,
    kind       text        not null,
    bytes      bigint      not null,
    characters bigint      not null,
    sha256     text        not null,
    source     text        not null,
    entries    bigint,
    skipped    bigint,
    problems   text,
    created_at timestamptz not null
);

-- Vocabularies, whole. announced_at is null until Kafka has acknowledged the record.
create table vocabulary (
    id             text primary key,
    name           text             not null,
    kind           text             not null,
    corpus         text references corpus (id),
    base           text             not null,
    requested_size integer          not null,
    size           integer          not null,
    merges         integer          not null,
    sha256         text             not null,
    json           text             not null,
    seconds        double precision not null,
    created_at     timestamptz      not null,
    announced_at   timestamptz
);

-- Datasets that were asked for: the worker's queue and, once done, the manifests.
create table dataset_order (
    id                  text primary key,
    corpus              text             not null references corpus (id),
    tokenizer           text             not null references vocabulary (id),
    kind                text             not null,
    validation_fraction double precision not null,
    test_fraction       double precision not null,
    seed                bigint           not null,
    status              text             not null,
    problem             text,
    manifest            text,
    created_at          timestamptz      not null,
    finished_at         timestamptz,
    announced_at        timestamptz
);

create index vocabulary_to_announce on vocabulary (created_at) where announced_at is null;
create index dataset_order_to_do on dataset_order (created_at) where status in ('QUEUED', 'RUNNING');
create index dataset_order_to_announce on dataset_order (created_at) where status = 'DONE' and announced_at is null;
