import type { QueryInterface } from 'sequelize';

export const up = async ({ sequelize }: QueryInterface): Promise<void> => {
  await sequelize.query(`
    CREATE TABLE products (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      title VARCHAR(200) NOT NULL,
      price DECIMAL(10,2) NOT NULL,
      stock INT NOT NULL,
      CHECK (price >= 0),
      CHECK (stock >= 0)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
};
