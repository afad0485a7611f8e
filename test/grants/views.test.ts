/** Whose view is which, and what is in it. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Policy, Rule } from '../../grants/policy.ts';
import { createViews } from '../../grants/views.ts';
import type { View } from '../../grants/views.ts';

const rule = (more: Partial<Rule> = {}): Rule => ({
  when: 'anyone',
  allow: ['read'],
  compartments: ['a'],
  services: 'all',
  regions: 'all',
  ...more,
});
const place = (compartmentId: string | null, more: object = {}) => ({
  service: 'MYSQL' as const,
  region: 'us-ashburn-1',
  compartmentId,
  ...more,
});
const viewOf = (
  rules: Policy['rules'],
  claims: Record<string, unknown> = {},
  below: Record<string, string[]> = {},
) => createViews({ rules }, (root) => (below[root] ? new Set(below[root]) : undefined))(claims);
const applies = (when: Rule['when'], claims: Record<string, unknown>): boolean =>
  viewOf([rule({ when })], claims)?.allows('read', place('a')) ?? false;

describe('a rule is for', () => {
  test.each<[Rule['when'], Record<string, unknown>, boolean]>([
    ['anyone', {}, true],
    [{ groups: 'ops' }, { groups: ['dev', 'ops'] }, true],
    [{ groups: ['ops', 'sre'] }, { groups: ['sre'] }, true],
    [{ groups: 'ops' }, { groups: 'ops' }, true],
    [{ groups: 'ops' }, { groups: 'dev ops' }, false],
    [{ groups: 'ops' }, { groups: ['OPS', 'ops2', ''] }, false],
    [{ groups: 'ops' }, {}, false],
    [{ groups: 'ops', team: 'a' }, { groups: ['ops'] }, false],
    [{ groups: 'ops', team: 'a' }, { groups: ['ops'], team: 'a' }, true],
    [{ scope: 'audit' }, { scope: 'openid audit' }, true],
    [{ scope: 'audit' }, { scope: 'openid auditor' }, false],
    [{ level: 3 }, { level: 3 }, true],
    [{ level: 3 }, { level: '3' }, false],
    [{ 'realm_access.roles': 'ops' }, { realm_access: { roles: ['ops'] } }, true],
    [{ 'https://example.com/groups': 'ops' }, { 'https://example.com/groups': ['ops'] }, true],
    [{ 'a.b': 'x' }, { 'a.b': 'y', a: { b: 'x' } }, false],
    [{ constructor: 'x' }, {}, false],
    [{ '__proto__.x': 'x' }, {}, false],
    [{ 'groups.length': 1 }, { groups: ['a'] }, false],
    [{ groups: 'ops' }, { groups: [['ops']] }, false],
    [{ groups: 'ops' }, { groups: { ops: true } }, false],
  ])('%j with %j: %s', (when, claims, isFor) => {
    expect(applies(when, claims)).toBe(isFor);
  });
});

describe('a view', () => {
  test('denies what no rule allows', () => {
    const view = viewOf([]) as View;
    expect(view.allows('read', place('a'))).toBe(false);
    expect(view.reaches('MYSQL', 'us-ashburn-1')).toBe(false);
  });

  test('is everything where one rule is', () => {
    expect(viewOf([rule(), rule({ allow: ['read', 'cancel'], compartments: 'all' })])).toBeNull();
  });

  test('of all compartments holds what nobody knows the compartment of, and no other does', () => {
    expect(viewOf([rule({ compartments: 'all' })])?.allows('read', place(null))).toBe(true);
    expect(viewOf([rule()])?.allows('read', place(null))).toBe(false);
  });

  test('reads are not cancels, and rules do not lend each other what they allow', () => {
    const view = viewOf([
      rule({ allow: ['read', 'cancel'], services: ['QUEUE'] }),
      rule({ allow: ['read'], regions: ['us-ashburn-1'] }),
    ]);
    expect(view?.allows('cancel', place('a'))).toBe(false);
    expect(view?.allows('cancel', place('a', { service: 'QUEUE', region: 'uk-london-1' }))).toBe(true);
    expect(view?.allows('read', place('a', { region: 'uk-london-1' }))).toBe(false);
  });

  test('holds what lies below as far as that is known', () => {
    const below = rule({ compartments: [{ subtreeOf: 'root' }] });
    expect(viewOf([below])?.allows('read', place('root'))).toBe(false);
    const view = viewOf([below], {}, { root: ['root', 'child'] });
    expect(['root', 'child', 'other'].map((id) => view?.allows('read', place(id)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('is the same for the same rules, in whatever order and by whatever claims they apply', () => {
    const [one, other] = [
      rule({ when: { groups: 'x' } }),
      rule({ when: { groups: 'y' }, allow: ['read', 'cancel'] }),
    ];
    const same = rule({ when: { team: 'z' } });
    const views = createViews({ rules: [one, other, same] }, () => undefined);
    expect(views({ groups: ['y', 'x'] })).toBe(views({ groups: ['x', 'y'] }));
    expect(views({ groups: 'x' })?.key).toBe(views({ team: 'z' })?.key);
    expect(views({ groups: 'x' })?.key).not.toBe(views({ groups: 'y' })?.key);
  });

  test('with more rules is never smaller, and allows nothing that none of them does', () => {
    const words = fc.constantFrom('a', 'b', 'c');
    const anyRule = fc.record({
      when: fc.constant('anyone' as const),
      allow: fc.constantFrom<readonly Rule['allow'][number][]>(['read'], ['read', 'cancel']),
      compartments: fc.oneof(fc.constant('all' as const), fc.array(words, { minLength: 1 })),
      services: fc.constantFrom<Rule['services']>('all', ['MYSQL'], ['QUEUE']),
      regions: fc.constantFrom<Rule['regions']>('all', ['us-ashburn-1'], ['uk-london-1']),
    });
    const anyPlace = fc.record({
      service: fc.constantFrom('MYSQL' as const, 'QUEUE' as const),
      region: fc.constantFrom('us-ashburn-1', 'uk-london-1'),
      compartmentId: fc.option(words),
    });
    fc.assert(
      fc.property(
        fc.array(anyRule, { maxLength: 5 }),
        anyPlace,
        fc.constantFrom('read' as const, 'cancel' as const),
        (rules, where, action) => {
          const alone = rules.map((each) => viewOf([each])?.allows(action, where) ?? true);
          expect(viewOf(rules)?.allows(action, where) ?? true).toBe(alone.includes(true));
        },
      ),
    );
  });
});

describe('each limit of a rule holds by itself', () => {
  const everything = { allow: ['read', 'cancel'], compartments: 'all' } satisfies Partial<Rule>;
  test.each<[string, Partial<Rule>, boolean[]]>([
    ['compartments', { compartments: ['a'] }, [true, true, false, true, true]],
    ['services', { services: ['MYSQL'] }, [true, true, true, false, true]],
    ['regions', { regions: ['us-ashburn-1'] }, [true, true, true, true, false]],
    ['actions', { allow: ['read'] }, [true, false, true, true, true]],
  ])('%s', (_, limit, allowed) => {
    const view = viewOf([rule({ ...everything, ...limit })]);
    expect([
      view?.allows('read', place('a')),
      view?.allows('cancel', place('a')),
      view?.allows('read', place('b')),
      view?.allows('read', place('a', { service: 'QUEUE' })),
      view?.allows('read', place('a', { region: 'uk-london-1' })),
    ]).toEqual(allowed);
  });

  test('and a service and a region are reached by one rule, not by two', () => {
    const view = viewOf([
      rule({ services: ['MYSQL'], regions: ['us-ashburn-1'] }),
      rule({ services: ['QUEUE'], regions: ['uk-london-1'] }),
    ]) as View;
    expect(view.reaches('MYSQL', 'us-ashburn-1')).toBe(true);
    expect(view.reaches('QUEUE', 'uk-london-1')).toBe(true);
    expect(view.reaches('MYSQL', 'uk-london-1')).toBe(false);
    expect(view.reaches('QUEUE', 'us-ashburn-1')).toBe(false);
  });
});

test('a view touches what any of its rules names, alone or below one of several roots', () => {
  const roots = [{ subtreeOf: 'root' }, { subtreeOf: 'unknown' }, { subtreeOf: 'other root' }];
  const view = viewOf([rule(), rule({ compartments: roots })], {}, { root: ['x'], 'other root': ['y'] });
  expect(['a', 'x', 'y', 'root', 'z'].map((id) => view?.touches(id))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('who has the same rules in another order has the same view', () => {
  const [read, cancel] = [rule({ when: { groups: 'x' } }), { allow: ['read', 'cancel'] as const }];
  const rules = [read, rule({ when: { groups: ['x', 'y'] }, ...cancel }), rule({ when: { groups: 'y' } })];
  const views = createViews({ rules }, () => undefined);
  expect(views({ groups: 'x' })).toBe(views({ groups: 'y' }));
});

test.each<[Rule['when'], Record<string, unknown>, boolean]>([
  [{ scp: 'audit' }, { scp: 'openid audit' }, true],
  [{ scope: 'audit' }, { scope: { audit: true } }, false],
  [{ scope: 'audit' }, {}, false],
  [{ 'team.name': 'x' }, { team: null }, false],
  [{ 'team.length': 3 }, { team: 'ops' }, false],
])('of claims in other shapes than a rule expects, %j with %j: %s', (when, claims, isFor) => {
  expect(applies(when, claims)).toBe(isFor);
});
