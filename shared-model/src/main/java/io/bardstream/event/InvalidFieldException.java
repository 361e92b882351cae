package io.bardstream.event;

/**
 * A value that a field cannot have. Thrown by the constructors of event records and by everything else that checks what
 * people or other processes send; over HTTP it becomes a 400 whose {@code param} is {@link #field()}.
 */
public final class InvalidFieldException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String field;

    /**
     * @param field the field's name as it stands in JSON (snake_case)
     * @param problem what was given and what would be right, without the field's name
     */
    public InvalidFieldException(String field, String problem) {
        super(field + ": " + problem);
        this.field = field;
    }

    public String field() {
        return field;
    }
}
