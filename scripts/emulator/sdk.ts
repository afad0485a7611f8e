/**
 * Reads Oracle's own npm clients (`oci-*`) as what they are: generated source with one shape throughout. Nothing is executed; `lib/client.js` is
 * parsed for the calls that each operation makes, `lib/**.d.ts` for names and types, `lib/model/*.js` for the words of the wire.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** One operation of one client class, in the words of the wire. */
export interface SdkOperation {
  readonly client: string;
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly basePath: string;
  readonly query: readonly string[];
  readonly requiredQuery: readonly string[];
  readonly queryEnums: Readonly<Record<string, readonly string[]>>;
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  /** The TypeScript type of the body, e.g. `model.WorkRequest` or `Array<model.WorkRequest>`; null when it has none. */
  readonly bodyType: string | null;
  /** Page size when `limit` is left out, where the documentation of `limit` tells. */
  readonly defaultLimit: number | null;
}

export interface SdkField {
  readonly name: string;
  readonly isOptional: boolean;
  /** As written in the `.d.ts`, e.g. `Array<model.WorkRequestResource>`. */
  readonly type: string;
}

export interface SdkPackage {
  readonly name: string;
  readonly version: string;
  operations(): readonly SdkOperation[];
  /** Fields of an interface of `lib/model`, inherited ones included; null when `name` is no interface. */
  fields(name: string): readonly SdkField[] | null;
  /** Words of an enum: `model.X`, `X.Y` (a model's or a request's namespace); null when it is none. */
  words(type: string): readonly string[] | null;
  /** For a polymorphic interface: the field that tells, its first value, and the interface it stands for. */
  variant(name: string): { readonly field: string; readonly value: string; readonly model: string } | null;
}

export function openPackage(nodeModules: string, name: string): SdkPackage {
  const root = path.join(nodeModules, name);
  const version = (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  const trees = new Map<string, ts.SourceFile | null>();
  const parse = (file: string): ts.SourceFile | null => {
    const known = trees.get(file);
    if (known !== undefined) return known;
    const full = path.join(root, 'lib', file);
    const tree = existsSync(full)
      ? ts.createSourceFile(file, readFileSync(full, 'utf8'), ts.ScriptTarget.ES2022, true)
      : null;
    trees.set(file, tree);
    return tree;
  };
  const modelFiles = readModelIndex(parse('model/index.d.ts'));

  const fieldsOf = (model: string): readonly SdkField[] | null => {
    const file = modelFiles.get(model);
    const tree = file === undefined ? null : parse(`model/${file}.d.ts`);
    const found = tree && findInterface(tree, model);
    if (!found) return null;
    const inherited = (found.heritageClauses ?? [])
      .flatMap((clause) => clause.types.map((type) => type.expression.getText().replace(/^model\./, '')))
      .flatMap((parent) => fieldsOf(parent) ?? []);
    const own = readFields(found);
    return [...inherited.filter((field) => !own.some((other) => other.name === field.name)), ...own];
  };

  const wordsOf = (type: string): readonly string[] | null => {
    const parts = type.replace(/^model\./, '').split('.');
    const [owner = '', member = owner] = parts;
    const modelFile = modelFiles.get(owner);
    const file = modelFile === undefined ? `request/${kebab(owner)}.d.ts` : `model/${modelFile}.d.ts`;
    const tree = parse(file);
    return tree && findEnum(tree, member);
  };

  return {
    name,
    version,
    operations: () => {
      const tree = parse('client.js');
      if (!tree) throw new Error(`${name} has no lib/client.js`);
      return readOperations(tree, parse, wordsOf);
    },
    fields: fieldsOf,
    words: wordsOf,
    variant: (model) => {
      const file = modelFiles.get(model);
      const tree = file === undefined ? null : parse(`model/${file}.js`);
      return tree && readVariant(tree);
    },
  };
}

function readOperations(
  tree: ts.SourceFile,
  parse: (file: string) => ts.SourceFile | null,
  wordsOf: (type: string) => readonly string[] | null,
): SdkOperation[] {
  const operations: SdkOperation[] = [];
  for (const statement of tree.statements) {
    if (!ts.isClassDeclaration(statement) || !statement.name) continue;
    const basePath = readBasePath(statement);
    for (const member of statement.members) {
      if (!ts.isMethodDeclaration(member)) continue;
      const operation = readOperation(statement.name.text, basePath, member, parse, wordsOf);
      if (operation) operations.push(operation);
    }
  }
  return operations;
}

function readOperation(
  client: string,
  basePath: string,
  method: ts.MethodDeclaration,
  parse: (file: string) => ts.SourceFile | null,
  wordsOf: (type: string) => readonly string[] | null,
): SdkOperation | null {
  let call: ts.ObjectLiteralExpression | undefined;
  let answer: ts.ObjectLiteralExpression | undefined;
  const literals = new Map<string, ts.ObjectLiteralExpression>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText();
      const first = node.arguments[0];
      if (first && ts.isObjectLiteralExpression(first)) {
        if (callee.endsWith('.composeRequest')) call = first;
        if (callee.endsWith('.composeResponse')) answer = first;
      }
    }
    if (
      ts.isVariableDeclaration(node) &&
      node.initializer &&
      ts.isObjectLiteralExpression(node.initializer)
    ) {
      literals.set(node.name.getText(), node.initializer);
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(method, visit);
  const path = call && textOf(call, 'path');
  const verb = call && textOf(call, 'method');
  if (path === undefined || verb === undefined) return null;

  const name = method.name.getText();
  const requestName = `${name.charAt(0).toUpperCase()}${name.slice(1)}Request`;
  const requestTree = parse(`request/${kebab(requestName)}.d.ts`);
  const requestType = requestTree && findInterface(requestTree, requestName);
  const properties = new Map(
    (requestType ? readFields(requestType) : []).map((field) => [field.name, field]),
  );
  const query: string[] = [];
  const requiredQuery: string[] = [];
  const queryEnums: Record<string, readonly string[]> = {};
  for (const [wire, expression] of entriesOf(literals.get('queryParams'))) {
    query.push(wire);
    const property = properties.get(
      /\bRequest\.(\w+)|\.(\w+)/.exec(expression)?.slice(1).find(Boolean) ?? '',
    );
    if (!property) continue;
    if (!property.isOptional) requiredQuery.push(wire);
    const words = wordsOf(property.type.replace(/^Array<(.*)>$/, '$1'));
    if (words) queryEnums[wire] = words;
  }
  return {
    client,
    name,
    method: verb,
    path,
    basePath,
    query,
    requiredQuery,
    queryEnums,
    requestHeaders: entriesOf(literals.get('headerParams')).map(([wire]) => wire),
    responseHeaders: answer ? readResponseHeaders(answer) : [],
    bodyType: (answer && textOf(answer, 'type')) ?? null,
    defaultLimit: readDefaultLimit(requestType),
  };
}

function readBasePath(client: ts.ClassDeclaration): string {
  // set endpoint(endpoint) { this._endpoint = endpoint; this._endpoint = this._endpoint + "/20180222"; … }
  const setter = client.members.find(
    (member) => ts.isSetAccessorDeclaration(member) && member.name.getText() === 'endpoint',
  );
  return /this\._endpoint = this\._endpoint \+ "([^"]*)"/.exec(setter?.getText() ?? '')?.[1] ?? '';
}

function readResponseHeaders(answer: ts.ObjectLiteralExpression): string[] {
  const headers = valueOf(answer, 'responseHeaders');
  if (!headers || !ts.isArrayLiteralExpression(headers)) return [];
  return headers.elements.flatMap(
    (element) => /headers\.get\("([^"]+)"\)/.exec(element.getText())?.[1] ?? [],
  );
}

function readDefaultLimit(request: ts.InterfaceDeclaration | null): number | null {
  const limit = request?.members.find((member) => member.name?.getText().replaceAll('"', '') === 'limit');
  return limit ? Number(/defaults to (?:\{@code )?(\d+)/i.exec(leadingComment(limit))?.[1]) || null : null;
}

function readModelIndex(tree: ts.SourceFile | null): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, name, file] of (tree?.text ?? '').matchAll(/import \* as (\w+) from "\.\/([^"]+)"/g)) {
    if (name !== undefined && file !== undefined) files.set(name, file);
  }
  return files;
}

function readFields(found: ts.InterfaceDeclaration): SdkField[] {
  return found.members.filter(ts.isPropertySignature).map((member) => ({
    name: member.name.getText().replaceAll('"', ''),
    isOptional: member.questionToken !== undefined,
    type: member.type?.getText() ?? 'any',
  }));
}

function readVariant(tree: ts.SourceFile): { field: string; value: string; model: string } | null {
  const found =
    /getDeserializedJsonObj\(obj[^{]*\{[\s\S]*?switch \(obj\.(\w+)\) \{\s*case "([^"]+)":\s*return model\.(\w+)\./.exec(
      tree.text,
    );
  const [, field, value, model] = found ?? [];
  return field !== undefined && value !== undefined && model !== undefined ? { field, value, model } : null;
}

function findInterface(tree: ts.SourceFile, name: string): ts.InterfaceDeclaration | null {
  return (
    (tree.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name) as
      ts.InterfaceDeclaration | undefined) ?? null
  );
}

/** Words of an enum at the top of a file or in one of its namespaces, without the SDK's own word for unknown ones. */
function findEnum(tree: ts.SourceFile, name: string): string[] | null {
  let words: string[] | null = null;
  const visit = (node: ts.Node): void => {
    if (ts.isEnumDeclaration(node) && node.name.text === name) {
      words = node.members
        .filter((member) => member.name.getText() !== 'UnknownValue')
        .flatMap((member) =>
          member.initializer && ts.isStringLiteral(member.initializer) ? member.initializer.text : [],
        );
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return words;
}

function entriesOf(literal: ts.ObjectLiteralExpression | undefined): (readonly [string, string])[] {
  if (!literal) return [];
  return literal.properties
    .filter((property) => ts.isPropertyAssignment(property))
    .map(
      (property) => [property.name.getText().replaceAll('"', ''), property.initializer.getText()] as const,
    );
}

function valueOf(literal: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const property of literal.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText().replaceAll('"', '') === name) {
      return property.initializer;
    }
  }
  return undefined;
}

function textOf(literal: ts.ObjectLiteralExpression, name: string): string | undefined {
  const value = valueOf(literal, name);
  return value && ts.isStringLiteral(value) ? value.text : undefined;
}

function leadingComment(node: ts.Node): string {
  return node.getFullText().slice(0, node.getStart() - node.getFullStart());
}

function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}
