-- What a service that trains knows. Everything but runs asked for by hand and their measurements can be read again from the topics.

create table dataset (
    id          text primary key,
    kind        text not null,
    tokenizer   text not null,
    manifest    text not null
);

create table tokenizer (
    id          text primary key,
    published   text not null
);

create table run (
    id                    text primary key,
    stage                 text not null,
    dataset               text not null,
    parent                text,
    request               text not null,
    status                text not null check (status in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    step                  bigint not null default 0,
    steps                 bigint not null,
    tokens                bigint not null default 0,
    tokens_per_second     double precision,
    seconds_left          double precision,
    best_validation_loss  double precision,
    bits_per_byte         double precision,
    checkpoint            text,
    error                 text,
    verdict               text,
    cancel_requested      boolean not null default false,
    created_at            timestamptz not null,
    started_at            timestamptz,
    ended_at              timestamptz,
    announced_at          timestamptz,
    -- Who runs it: alone until lease_until; fence grows with every owner, so that one who lost the run can tell.
    lease_owner           text,
    lease_until           timestamptz,
    fence                 bigint not null default 0
);

create index run_open on run (created_at) where status in ('QUEUED', 'RUNNING');
create index run_unannounced on run (created_at) where announced_at is null;

create table checkpoint (
    id               text primary key,
    run_id           text not null,
    stage            text not null,
    step             bigint not null,
    validation_loss  double precision,
    fact             text not null,
    at               timestamptz not null,
    -- A checkpoint that serves only to resume is not announced.
    to_announce      boolean not null,
    announced_at     timestamptz,
    pruned_at        timestamptz
);

create index checkpoint_of_run on checkpoint (run_id, step);
create index checkpoint_unannounced on checkpoint (at) where to_announce and announced_at is null;

-- A promotion may arrive before the checkpoint it names.
create table promotion (
    checkpoint  text primary key,
    at          timestamptz not null
);

create sequence measurement_seq;

-- One row a step; a resumed run measures some steps again. seq grows with every write, so that a reader can follow.
create table measurement (
    run_id   text not null,
    step     bigint not null,
    seq      bigint not null default nextval('measurement_seq'),
    metrics  text not null,
    primary key (run_id, step)
);

create index measurement_order on measurement (run_id, seq);
