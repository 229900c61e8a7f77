import type { QueryInterface } from 'sequelize';

export const up = async ({ sequelize }: QueryInterface): Promise<void> => {
  await sequelize.query(`
    CREATE TABLE users (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      email VARCHAR(254) COLLATE utf8mb4_0900_bin NOT NULL,
      password_hash VARCHAR(200) COLLATE utf8mb4_0900_bin NOT NULL,
      name VARCHAR(100) NOT NULL,
      created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      UNIQUE KEY users_email (email)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
};
