import { ConfigError, readConfig } from '../../config.ts';
import type { Config } from '../../config.ts';

/** Of a configuration that has to be right. @throws ConfigError */
export const loadConfig = (env: NodeJS.ProcessEnv = process.env): Config => {
  const { config, problems } = readConfig(env);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
};
