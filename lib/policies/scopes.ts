/** Whose limits a call counts against: from the narrowest owner to the widest. One answer for admission, refusals and headers. */
import { coversName } from '../domain/access.ts';
import { hasLimits, type LimitedScope, type OwnLimits } from '../domain/budget.ts';
import { isOwned, type Customer, type Tag } from '../domain/customer.ts';
import { scopeOf } from '../domain/key.ts';
import type { Limits, ModelLimits } from '../domain/limits.ts';
import { pairId, type ScopeKind } from '../domain/meter.ts';
import { alignedAnchor } from '../domain/window.ts';
import type { Caller, Exchange } from '../exchange.ts';

/** Windows of models are counted from the same moment in every process. */
const ORIGIN = 0;

/** What the operator says about scopes. */
export interface ScopeSettings {
  /** A user's budget counts for keys of teams too, and not only for the user's own. */
  readonly userBudgetsForTeamKeys?: boolean;
  /** Limits of the whole gateway; its `modelLimits` are those of models whoever calls them. */
  readonly global?: Limits;
}

/** The scopes of a call that have limits. The master key has none of its own: its calls count for customers, tags and the gateway. */
export function scopesOf(exchange: Exchange, { userBudgetsForTeamKeys, global }: ScopeSettings): readonly LimitedScope[] {
  const { caller, customer, tagged, modelName, sessionId } = exchange;
  const own = caller?.type === 'key' ? scopesOfKey(caller, sessionId, userBudgetsForTeamKeys === true) : [];
  const isVeiled = !seesEverything(caller);
  const ofNames = [
    ...named('customer', customer, isVeiled),
    ...tagged.flatMap((tag) => named('tag', tag, isVeiled)),
    ...(global === undefined || !hasLimits(global) ? [] : veiled(scopesOfGateway(global, modelName), isVeiled)),
  ];
  return [...own, ...ofNames].filter(({ limits }) => hasLimits(limits));
}

const seesEverything = (caller: Caller | undefined): boolean =>
  caller?.type === 'master' || ['proxy_admin', 'proxy_admin_viewer'].includes(caller?.user?.role ?? '');

/** What a call names: its figures are for those it belongs to. Whoever may name what is nobody's learns nothing of what others did with it. */
const named = (kind: 'customer' | 'tag', record: Customer | Tag | undefined, isVeiled: boolean): readonly LimitedScope[] =>
  record === undefined ? [] : veiled(limited(kind, record), isVeiled && !isOwned(record));

const veiled = (scopes: readonly LimitedScope[], isVeiled: boolean): readonly LimitedScope[] =>
  isVeiled ? scopes.map((scope) => ({ ...scope, undisclosed: true })) : scopes;

function scopesOfKey(
  { key, team, member, user, project, organization, organizationMember }: Extract<Caller, { type: 'key' }>,
  sessionId: string | undefined,
  userBudgetsForTeamKeys: boolean,
): readonly LimitedScope[] {
  const scope = scopeOf(key);
  const named = key.alias === undefined ? {} : { name: key.alias };
  const isPersonal = key.teamId === undefined && team === undefined;
  const session = { maxBudget: key.sessionBudget, budgetAnchor: 0 };
  return [
    { scope, limits: key, ...named },
    ...(sessionId === undefined || session.maxBudget === undefined
      ? []
      : [{ scope: { kind: 'session' as const, id: pairId(scope.id, sessionId) }, limits: session as Limits, name: sessionId }]),
    ...(member === undefined ? [] : limited('member', { ...member, id: pairId(member.group.id, member.userId) })),
    ...limited('team', team),
    ...limited('user', isPersonal || userBudgetsForTeamKeys ? user : user && ratesOfUser(user)),
    ...limited('project', project),
    ...(organizationMember === undefined
      ? []
      : limited('organization-member', {
          ...organizationMember,
          id: pairId(organizationMember.group.id, organizationMember.userId),
        })),
    ...limited('organization', organization),
  ];
}

type Rates = { readonly [K in 'rpmLimit' | 'tpmLimit']?: number | undefined };
type Owner = OwnLimits & { readonly id: string; readonly alias?: string };

function limited(kind: ScopeKind, owner: Owner | undefined): readonly LimitedScope[] {
  if (owner === undefined) return [];
  const { id, alias } = owner;
  return [{ scope: { kind, id }, limits: owner, ...(alias === undefined ? {} : { name: alias }) }];
}

/** A user with the limits that hold whichever key is used: rates. */
function ratesOfUser({ id, alias, budgetAnchor, modelLimits = {}, aliases, ...limits }: Owner): Owner {
  const { rpmLimit, tpmLimit, tokenRateType, maxParallelRequests } = limits;
  return {
    id,
    ...(alias === undefined ? {} : { alias }),
    budgetAnchor,
    ...(aliases === undefined ? {} : { aliases }),
    modelLimits: Object.fromEntries(Object.entries(modelLimits).map(([model, own]) => [model, ratesOf(own)])),
    ...ratesOf({ rpmLimit, tpmLimit }),
    ...(tokenRateType === undefined ? {} : { tokenRateType }),
    ...(maxParallelRequests === undefined ? {} : { maxParallelRequests }),
  };
}

const ratesOf = ({ rpmLimit, tpmLimit }: Rates): Pick<ModelLimits, 'rpmLimit' | 'tpmLimit'> => ({
  ...(rpmLimit === undefined ? {} : { rpmLimit }),
  ...(tpmLimit === undefined ? {} : { tpmLimit }),
});

/** Models by name or pattern, each a scope of its own, then the gateway as a whole. */
function scopesOfGateway({ modelLimits = {}, ...limits }: Limits, model: string): readonly LimitedScope[] {
  const models = Object.entries(modelLimits).filter(([pattern]) => coversName(pattern, model));
  return [
    ...models.map(([id, own]) => ({
      scope: { kind: 'model' as const, id },
      limits: { ...own, budgetAnchor: alignedAnchor(own.budgetDuration, ORIGIN) },
    })),
    { scope: { kind: 'global', id: 'gateway' }, limits },
  ];
}
