/** A JSON schema, as pydantic writes it, as fields of a form. */
import { Field, field, FieldKind } from './fields';

type Schema = { [key: string]: unknown };

/** One field per property; a schema of another shape has none. */
export function fieldsOf(schema: unknown): Field[] {
  const root = isSchema(schema) ? schema : {};
  const properties = isSchema(root.properties) ? root.properties : {};
  const required = Array.isArray(root.required) ? root.required : [];
  return Object.entries(properties).map(([name, property]) => {
    const found = resolved(property, root);
    const choices = Array.isArray(found.enum) ? found.enum.map(String) : [];
    const kind = kindOf(found, choices);
    return field({
      name,
      kind,
      choices,
      label: typeof found.title === 'string' ? sentence(found.title) : name,
      help: typeof found.description === 'string' ? found.description : '',
      isRequired: required.includes(name),
      initial: initialOf(found.default, kind)
    });
  });
}

/** Follows references, and takes what is wanted of a value that may also be null. */
function resolved(property: unknown, root: Schema): Schema {
  let found = isSchema(property) ? property : {};
  for (let depth = 0; depth < 8; depth += 1) {
    const options = (found.anyOf ?? found.oneOf ?? found.allOf) as unknown;
    if (typeof found.$ref === 'string') {
      found = { ...definition(root, found.$ref), ...without(found, '$ref') };
    } else if (Array.isArray(options)) {
      const real = options.filter(option => isSchema(option) && option.type !== 'null') as Schema[];
      const rest = without(found, 'anyOf', 'oneOf', 'allOf');
      if (real.length !== 1) {
        return rest;
      }
      found = { ...real[0], ...rest };
    } else {
      return found;
    }
  }
  return found;
}

function kindOf(schema: Schema, choices: string[]): FieldKind {
  if (schema.format === 'password' || schema.writeOnly === true) {
    return 'secret';
  }
  if (choices.length > 0) {
    return 'choice';
  }
  switch (schema.type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type;
    case 'array':
    case 'object':
      return 'json';
    default:
      return 'text';
  }
}

function initialOf(value: unknown, kind: FieldKind): string {
  if (value === null || value === undefined || kind === 'secret') {
    return kind === 'boolean' ? 'false' : '';
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function definition(root: Schema, reference: string): Schema {
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, part) => (isSchema(at) ? at[part] : undefined), root);
  return isSchema(found) ? found : {};
}

function without(schema: Schema, ...names: string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

/** `Tracking Uri` as `Tracking uri`. */
function sentence(title: string): string {
  return title.charAt(0) + title.slice(1).toLowerCase();
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
