/** A pipeline whose operations are counted as those of one transport. */
import { getOperationAST } from 'graphql';
import type { ExecutionArgs } from 'graphql';
import { codeOf } from './format-error.ts';
import type { Pipeline } from './pipeline.ts';
import { startNow } from './tally.ts';
import type { DoorsTally, OperationType, Transport } from './tally.ts';

export function counted(pipeline: Pipeline, transport: Transport, tally: DoorsTally): Pipeline {
  const note = (type: OperationType, errors: readonly unknown[] | undefined, startedAt: number): void => {
    const [first] = errors ?? [];
    tally.operation(transport, type, first === undefined ? null : codeOf(first), startedAt);
  };

  return {
    ...pipeline,

    async prepare(request, mark, createContext) {
      const startedAt = startNow();
      try {
        const prepared = await pipeline.prepare(request, mark, createContext);
        if (prepared.kind === 'refused') note('unknown', prepared.errors, startedAt);
        return prepared;
      } catch (error) {
        note('unknown', [error], startedAt);
        throw error;
      }
    },

    async execute(args) {
      const startedAt = startNow();
      const result = await pipeline.execute(args);
      note(typeOf(args), result.errors, startedAt);
      return result;
    },

    async subscribe(args) {
      const startedAt = startNow();
      const subscribed = await pipeline.subscribe(args);
      note('subscription', 'errors' in subscribed ? subscribed.errors : undefined, startedAt);
      return subscribed;
    },
  };
}

function typeOf({ document, operationName }: ExecutionArgs): OperationType {
  return getOperationAST(document, operationName)?.operation ?? 'unknown';
}
