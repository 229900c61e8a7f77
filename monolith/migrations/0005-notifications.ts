import type { QueryInterface } from 'sequelize';

export const up = async ({ sequelize }: QueryInterface): Promise<void> => {
  await sequelize.query(`
    CREATE TABLE notifications (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      user_id BIGINT NOT NULL,
      kind VARCHAR(40) COLLATE utf8mb4_0900_bin NOT NULL,
      reference VARCHAR(80) COLLATE utf8mb4_0900_bin NOT NULL,
      title VARCHAR(200) NOT NULL,
      body VARCHAR(1000) NOT NULL,
      read_at DATETIME(3) NULL,
      created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      UNIQUE KEY notifications_cause (user_id, kind, reference),
      KEY notifications_user_newest (user_id, created_at, id)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
};
